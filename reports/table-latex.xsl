<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table as LaTeX floats: \usepackage{booktabs,graphicx}, then \input{…}. One that is wider than a column of two is a
     table* over both; what is wider still is made smaller; one that is longer than a page is divided. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                xmlns:exsl="http://exslt.org/common" exclude-result-prefixes="t exsl">
  <xsl:import href="text.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="name"/>
  <xsl:variable name="special">\{}$&amp;#^_~%&lt;&gt;"|±−–—×Δγβλ·…†‡√≤≥Σ²§≠</xsl:variable>
  <!-- A path in a reason may be broken after these -->
  <xsl:variable name="breakable">/.</xsl:variable>

  <xsl:template match="/">
    <xsl:apply-templates select="t:tables/t:table[@name = $name]"/>
  </xsl:template>

  <!-- Characters that are in a line of a column of two, and rows that are on a page with the notes below -->
  <xsl:variable name="column-characters" select="52"/>
  <xsl:variable name="page-rows" select="36"/>

  <xsl:template match="t:table">
    <xsl:variable name="table" select="."/>
    <xsl:variable name="widths">
      <xsl:for-each select="t:column[not(@only = 'csv')]">
        <xsl:variable name="position" select="count(preceding-sibling::t:column) + 1"/>
        <xsl:variable name="title" select="@title"/>
        <xsl:for-each select="@title | @unit | ../t:row/t:cell[$position]">
          <xsl:sort select="string-length(.)" data-type="number" order="descending"/>
          <xsl:if test="position() = 1"><width><xsl:value-of select="string-length(.) + 2"/></width></xsl:if>
        </xsl:for-each>
      </xsl:for-each>
    </xsl:variable>
    <xsl:variable name="star"><xsl:if test="sum(exsl:node-set($widths)/*) &gt; $column-characters">*</xsl:if></xsl:variable>
    <xsl:text>% needs \usepackage{booktabs,graphicx}&#10;</xsl:text>
    <xsl:for-each select="t:row[position() mod $page-rows = 1]">
      <xsl:variable name="rows" select=". | following-sibling::t:row[position() &lt; $page-rows]"/>
      <xsl:apply-templates select="$table" mode="float">
        <xsl:with-param name="star" select="$star"/>
        <xsl:with-param name="rows" select="$rows"/>
        <xsl:with-param name="part" select="position()"/>
        <xsl:with-param name="parts" select="last()"/>
      </xsl:apply-templates>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="t:table" mode="float">
    <xsl:param name="star"/>
    <xsl:param name="rows"/>
    <xsl:param name="part"/>
    <xsl:param name="parts"/>
    <xsl:value-of select="concat('\begin{table', $star, '}[tbp]&#10;\centering\footnotesize\setlength{\tabcolsep}{4pt}&#10;\caption{')"/>
    <xsl:call-template name="latex"><xsl:with-param name="text" select="t:caption"/></xsl:call-template>
    <xsl:if test="$parts &gt; 1"><xsl:value-of select="concat(' (part ', $part, ' of ', $parts, ')')"/></xsl:if>
    <xsl:text>}&#10;</xsl:text>
    <xsl:if test="$part = 1"><xsl:value-of select="concat('\label{tab:', translate(@name, '_', '-'), '}&#10;')"/></xsl:if>
    <xsl:text>\sbox{0}{\begin{tabular}{@{}</xsl:text>
    <xsl:for-each select="t:column[not(@only = 'csv')]">
      <xsl:choose>
        <xsl:when test="@align = 'right'">r</xsl:when>
        <xsl:when test="@name = 'reason' or @name = 'warning'">p{0.4\linewidth}</xsl:when>
        <xsl:otherwise>l</xsl:otherwise>
      </xsl:choose>
    </xsl:for-each>
    <xsl:text>@{}}&#10;\toprule&#10;</xsl:text>
    <xsl:for-each select="t:column[not(@only = 'csv')]">
      <xsl:if test="position() &gt; 1"> &amp; </xsl:if>
      <xsl:call-template name="latex"><xsl:with-param name="text" select="@title"/></xsl:call-template>
    </xsl:for-each>
    <xsl:text> \\&#10;</xsl:text>
    <xsl:if test="t:column[not(@only = 'csv') and string(@unit)]">
      <xsl:for-each select="t:column[not(@only = 'csv')]">
        <xsl:if test="position() &gt; 1"> &amp; </xsl:if>
        <xsl:if test="string(@unit)">
          <xsl:text>(</xsl:text>
          <xsl:call-template name="latex"><xsl:with-param name="text" select="@unit"/></xsl:call-template>
          <xsl:text>)</xsl:text>
        </xsl:if>
      </xsl:for-each>
      <xsl:text> \\&#10;</xsl:text>
    </xsl:if>
    <xsl:text>\midrule&#10;</xsl:text>
    <xsl:apply-templates select="$rows"><xsl:with-param name="columns" select="t:column"/></xsl:apply-templates>
    <xsl:text>\bottomrule&#10;\end{tabular}}%&#10;\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox{0}}\else\usebox{0}\fi&#10;</xsl:text>
    <xsl:if test="$part = $parts">
      <xsl:for-each select="t:note">
        <xsl:text>&#10;\par\smallskip{\scriptsize\raggedright </xsl:text>
        <xsl:call-template name="latex"><xsl:with-param name="text" select="."/></xsl:call-template>
        <xsl:text>\par}&#10;</xsl:text>
      </xsl:for-each>
    </xsl:if>
    <xsl:value-of select="concat('\end{table', $star, '}&#10;')"/>
  </xsl:template>

  <xsl:template match="t:row">
    <xsl:param name="columns"/>
    <xsl:variable name="first" select="position() = 1"/>
    <xsl:if test="@first and not($first)">\addlinespace&#10;</xsl:if>
    <xsl:for-each select="t:cell">
      <xsl:variable name="position" select="position()"/>
      <xsl:variable name="column" select="$columns[$position]"/>
      <xsl:if test="not($column/@only = 'csv')">
        <xsl:if test="$column/preceding-sibling::t:column[not(@only = 'csv')]"> &amp; </xsl:if>
        <xsl:if test="not(@repeated) or $first">
          <xsl:choose>
            <xsl:when test="$column/@name = 'reason' or $column/@name = 'warning'">
              <xsl:text>{\raggedright </xsl:text>
              <xsl:call-template name="latex">
                <xsl:with-param name="text" select="."/>
                <xsl:with-param name="special" select="concat($special, $breakable)"/>
              </xsl:call-template>
              <xsl:text>\par}</xsl:text>
            </xsl:when>
            <xsl:otherwise>
              <xsl:if test="@best">\textbf{</xsl:if>
              <xsl:call-template name="latex"><xsl:with-param name="text" select="."/></xsl:call-template>
              <xsl:if test="@best">}</xsl:if>
            </xsl:otherwise>
          </xsl:choose>
        </xsl:if>
      </xsl:if>
    </xsl:for-each>
    <xsl:text> \\&#10;</xsl:text>
    <xsl:if test="@kind = 'baseline'">\midrule&#10;</xsl:if>
  </xsl:template>

  <xsl:template name="latex">
    <xsl:param name="text"/>
    <xsl:param name="special" select="$special"/>
    <xsl:call-template name="escape">
      <xsl:with-param name="text" select="normalize-space($text)"/>
      <xsl:with-param name="special" select="$special"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="character">
    <xsl:param name="c"/>
    <xsl:choose>
      <xsl:when test="$c = '\'">\textbackslash{}</xsl:when>
      <xsl:when test="$c = '~'">\textasciitilde{}</xsl:when>
      <xsl:when test="$c = '^'">\textasciicircum{}</xsl:when>
      <xsl:when test="contains('{}$&amp;#_%', $c)">\<xsl:value-of select="$c"/></xsl:when>
      <xsl:when test="contains('&lt;&gt;|', $c)">$<xsl:value-of select="$c"/>$</xsl:when>
      <xsl:when test="$c = '&quot;'">''</xsl:when>
      <xsl:when test="contains($breakable, $c)"><xsl:value-of select="$c"/>\allowbreak{}</xsl:when>
      <xsl:when test="$c = '±'">$\pm$</xsl:when>
      <xsl:when test="$c = '−'">$-$</xsl:when>
      <xsl:when test="$c = '–'">--</xsl:when>
      <xsl:when test="$c = '—'">---</xsl:when>
      <xsl:when test="$c = '×'">$\times$</xsl:when>
      <xsl:when test="$c = 'Δ'">$\Delta$</xsl:when>
      <xsl:when test="$c = 'γ'">$\gamma$</xsl:when>
      <xsl:when test="$c = 'β'">$\beta$</xsl:when>
      <xsl:when test="$c = 'λ'">$\lambda$</xsl:when>
      <xsl:when test="$c = 'Σ'">$\Sigma$</xsl:when>
      <xsl:when test="$c = '·'">$\cdot$</xsl:when>
      <xsl:when test="$c = '…'">\ldots{}</xsl:when>
      <xsl:when test="$c = '†'">\dag{}</xsl:when>
      <xsl:when test="$c = '‡'">\ddag{}</xsl:when>
      <xsl:when test="$c = '√'">$\surd$</xsl:when>
      <xsl:when test="$c = '≤'">$\le$</xsl:when>
      <xsl:when test="$c = '≥'">$\ge$</xsl:when>
      <xsl:when test="$c = '§'">\S{}</xsl:when>
      <xsl:when test="$c = '≠'">$\ne$</xsl:when>
      <xsl:when test="$c = '²'">$^2$</xsl:when>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
