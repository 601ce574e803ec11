<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table as a LaTeX float: \usepackage{booktabs}, then \input{…}. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                exclude-result-prefixes="t">
  <xsl:import href="text.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="name"/>
  <xsl:variable name="special">\{}$&amp;#^_~%&lt;&gt;"|±−–—×Δγβλ·…†‡√≤≥Σ²§≠</xsl:variable>

  <xsl:template match="/">
    <xsl:apply-templates select="t:tables/t:table[@name = $name]"/>
  </xsl:template>

  <xsl:template match="t:table">
    <xsl:text>% needs \usepackage{booktabs}&#10;\begin{table}[htbp]&#10;\centering\footnotesize\setlength{\tabcolsep}{4pt}&#10;\caption{</xsl:text>
    <xsl:call-template name="latex"><xsl:with-param name="text" select="t:caption"/></xsl:call-template>
    <xsl:text>}&#10;\label{tab:</xsl:text>
    <xsl:value-of select="translate(@name, '_', '-')"/>
    <xsl:text>}&#10;\begin{tabular}{@{}</xsl:text>
    <xsl:for-each select="t:column[not(@only = 'csv')]">
      <xsl:choose>
        <xsl:when test="@align = 'right'">r</xsl:when>
        <xsl:when test="@name = 'reason'">p{0.4\linewidth}</xsl:when>
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
    <xsl:apply-templates select="t:row"/>
    <xsl:text>\bottomrule&#10;\end{tabular}&#10;</xsl:text>
    <xsl:for-each select="t:note">
      <xsl:text>&#10;\par\smallskip{\scriptsize\raggedright </xsl:text>
      <xsl:call-template name="latex"><xsl:with-param name="text" select="."/></xsl:call-template>
      <xsl:text>\par}&#10;</xsl:text>
    </xsl:for-each>
    <xsl:text>\end{table}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="t:row">
    <xsl:if test="@first and position() &gt; 1">\addlinespace&#10;</xsl:if>
    <xsl:for-each select="t:cell">
      <xsl:variable name="position" select="position()"/>
      <xsl:variable name="column" select="../../t:column[$position]"/>
      <xsl:if test="not($column/@only = 'csv')">
        <xsl:if test="$column/preceding-sibling::t:column[not(@only = 'csv')]"> &amp; </xsl:if>
        <xsl:if test="not(@repeated)">
          <xsl:if test="@best">\textbf{</xsl:if>
          <xsl:call-template name="latex"><xsl:with-param name="text" select="."/></xsl:call-template>
          <xsl:if test="@best">}</xsl:if>
        </xsl:if>
      </xsl:if>
    </xsl:for-each>
    <xsl:text> \\&#10;</xsl:text>
    <xsl:if test="@kind = 'baseline'">\midrule&#10;</xsl:if>
  </xsl:template>

  <xsl:template name="latex">
    <xsl:param name="text"/>
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
