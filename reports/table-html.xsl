<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table in the report's page, or as a page of its own. A cell may have an href, or points of a small line whose words it
     then holds. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                exclude-result-prefixes="t">
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:param name="name"/>
  <!-- Endings of the table files beside the page: "csv tex " -->
  <xsl:param name="table-files"/>
  <!-- A table in a file of its own is one folder below the page. -->
  <xsl:variable name="up"><xsl:if test="string($name)">../</xsl:if></xsl:variable>
  <!-- A table of more rows is not in the report's page, which would not open quickly any more. -->
  <xsl:variable name="most-rows" select="1000"/>

  <xsl:template match="/">
    <xsl:for-each select="t:tables/t:table[@name = $name]">
      <html lang="en">
        <head>
          <meta name="viewport" content="width=device-width, initial-scale=1"/>
          <title><xsl:value-of select="t:caption"/></title>
          <link rel="stylesheet" href="../report.css"/>
        </head>
        <body>
          <header><p class="kicker"><a href="../index.html">prunebench report</a></p></header>
          <main>
            <h1><xsl:value-of select="t:caption"/></h1>
            <xsl:apply-templates select="." mode="html-whole"/>
          </main>
          <script src="../report.js"></script>
        </body>
      </html>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="t:table" mode="html">
    <xsl:choose>
      <xsl:when test="count(t:row) &gt; $most-rows">
        <div class="table">
          <p class="caption" id="table-{@name}"><xsl:value-of select="t:caption"/></p>
          <p><a href="tables/{@name}.html">All <xsl:value-of select="count(t:row)"/> rows, on a page of their own</a></p>
        </div>
      </xsl:when>
      <xsl:otherwise><xsl:apply-templates select="." mode="html-whole"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="t:table" mode="html-whole">
    <div class="table {@kind}" data-table="{@name}">
      <p class="caption" id="table-{@name}"><xsl:value-of select="t:caption"/></p>
      <p class="tools">
        <xsl:if test="t:row and not(string($name)) and string($table-files)">
          <span>
            <xsl:text>Files: </xsl:text>
            <xsl:call-template name="file-link"><xsl:with-param name="ending" select="'csv'"/><xsl:with-param name="title" select="'CSV'"/></xsl:call-template>
            <xsl:call-template name="file-link"><xsl:with-param name="ending" select="'tex'"/><xsl:with-param name="title" select="'LaTeX'"/></xsl:call-template>
            <xsl:call-template name="file-link"><xsl:with-param name="ending" select="'md'"/><xsl:with-param name="title" select="'Markdown'"/></xsl:call-template>
          </span>
        </xsl:if>
      </p>
      <div class="scroll" tabindex="0" role="group" aria-labelledby="table-{@name}"><table aria-labelledby="table-{@name}">
        <thead>
          <tr>
            <xsl:for-each select="t:column[not(@only = 'csv')]">
              <th scope="col" data-column="{@name}">
                <xsl:if test="@align"><xsl:attribute name="class"><xsl:value-of select="@align"/></xsl:attribute></xsl:if>
                <xsl:value-of select="@title"/>
                <xsl:if test="string(@unit)"><xsl:text> </xsl:text><span class="unit"><xsl:value-of select="@unit"/></span></xsl:if>
              </th>
            </xsl:for-each>
          </tr>
        </thead>
        <tbody>
          <xsl:apply-templates select="t:row" mode="html">
            <xsl:with-param name="columns" select="t:column"/>
            <xsl:with-param name="header" select="count(t:column[not(@only = 'csv')][1]/preceding-sibling::t:column) + 1"/>
            <xsl:with-param name="criterion" select="count(t:column[@name = 'criterion']/preceding-sibling::t:column) + count(t:column[@name = 'criterion'])"/>
          </xsl:apply-templates>
        </tbody>
      </table></div>
      <xsl:for-each select="t:note"><p class="note"><xsl:value-of select="."/></p></xsl:for-each>
    </div>
  </xsl:template>

  <xsl:template name="file-link">
    <xsl:param name="ending"/>
    <xsl:param name="title"/>
    <xsl:if test="contains($table-files, concat($ending, ' '))">
      <a href="tables/{@name}.{$ending}" aria-label="{$title} of: {t:caption}"><xsl:value-of select="$title"/></a><xsl:text> </xsl:text>
    </xsl:if>
  </xsl:template>

  <!-- One column leads to the row's cell: that of the criterion, else (and in the list of all cells) the first that is not repeated. What is of another cell leads
       there itself. -->
  <xsl:template match="t:row" mode="html">
    <xsl:param name="columns"/>
    <xsl:param name="header"/>
    <xsl:param name="criterion"/>
    <xsl:variable name="new">
      <xsl:if test="not(t:cell[$criterion]) or @id or t:cell[$criterion]/@repeated">
        <xsl:for-each select="t:cell">
          <xsl:variable name="position" select="position()"/>
          <xsl:if test="not(@repeated) and not($columns[$position]/@only = 'csv')"><xsl:value-of select="concat($position, ' ')"/></xsl:if>
        </xsl:for-each>
      </xsl:if>
    </xsl:variable>
    <xsl:variable name="leading">
      <xsl:choose>
        <xsl:when test="string($new)"><xsl:value-of select="substring-before($new, ' ')"/></xsl:when>
        <xsl:otherwise><xsl:value-of select="$criterion"/></xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <tr>
      <xsl:copy-of select="@id"/>
      <xsl:if test="@kind or @first"><xsl:attribute name="class"><xsl:value-of select="@kind"/><xsl:if test="@first"> first</xsl:if></xsl:attribute></xsl:if>
      <xsl:for-each select="t:cell">
        <xsl:variable name="position" select="position()"/>
        <xsl:variable name="column" select="$columns[$position]"/>
        <xsl:choose>
          <xsl:when test="$column/@only = 'csv'"/>
          <xsl:when test="$position = $header">
            <th scope="row">
              <xsl:apply-templates select="." mode="html-cell">
                <xsl:with-param name="column" select="$column"/>
                <xsl:with-param name="anchor" select="../@anchor[$position = $leading]"/>
              </xsl:apply-templates>
            </th>
          </xsl:when>
          <xsl:otherwise>
            <td>
              <xsl:apply-templates select="." mode="html-cell">
                <xsl:with-param name="column" select="$column"/>
                <xsl:with-param name="anchor" select="@anchor[. != ../../@anchor] | ../@anchor[$position = $leading]"/>
              </xsl:apply-templates>
            </td>
          </xsl:otherwise>
        </xsl:choose>
      </xsl:for-each>
    </tr>
  </xsl:template>

  <xsl:template match="t:cell" mode="html-cell">
    <xsl:param name="column"/>
    <xsl:param name="anchor"/>
    <xsl:variable name="class"><xsl:value-of select="$column/@align"/><xsl:if test="@best"> best</xsl:if><xsl:if test="@repeated"> repeated</xsl:if><xsl:if test="string-length(.) &gt; 40"> long</xsl:if></xsl:variable>
    <xsl:if test="normalize-space($class)"><xsl:attribute name="class"><xsl:value-of select="normalize-space($class)"/></xsl:attribute></xsl:if>
    <xsl:variable name="exact"><xsl:apply-templates select="." mode="html-exact"><xsl:with-param name="column" select="$column"/></xsl:apply-templates></xsl:variable>
    <xsl:if test="string-length($exact) &gt; string-length(.)"><xsl:attribute name="title"><xsl:value-of select="$exact"/></xsl:attribute></xsl:if>
    <xsl:choose>
      <xsl:when test="@href"><a href="{@href}"><xsl:apply-templates select="." mode="html-text"/></a></xsl:when>
      <xsl:when test="@points">
        <svg class="spark" role="img" aria-label="{.}" viewBox="-2 -2 124 24" width="124" height="24"><title><xsl:value-of select="."/></title><polyline points="{@points}"/></svg>
      </xsl:when>
      <xsl:when test="string($anchor)"><a href="{$up}cells/{substring-after($anchor, 'cell-')}.html"><xsl:apply-templates select="." mode="html-text"/></a></xsl:when>
      <xsl:otherwise><xsl:apply-templates select="." mode="html-text"/></xsl:otherwise>
    </xsl:choose>
    <xsl:if test="@document"><xsl:text> </xsl:text><a class="file" href="{$up}../{@document}">document</a></xsl:if>
    <xsl:if test="@log"><xsl:text> </xsl:text><a class="file" href="{$up}../{@log}">log</a></xsl:if>
  </xsl:template>

  <!-- What rounding hides, for the pointer: "88.5556 % ± 0.5853 (n = 3)" -->
  <xsl:template match="t:cell" mode="html-exact">
    <xsl:param name="column"/>
    <xsl:variable name="percent" select="$column/@unit = '%' or $column/@unit = 'points'"/>
    <xsl:choose>
      <xsl:when test="$column/@align != 'right' or string(number(@value)) = 'NaN'"/>
      <xsl:when test="$percent">
        <xsl:value-of select="concat(format-number(100 * @value, '0.####'), ' ', $column/@unit)"/>
        <xsl:if test="@sd"> ± <xsl:value-of select="format-number(100 * @sd, '0.####')"/></xsl:if>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="@value"/>
        <xsl:if test="@sd"> ± <xsl:value-of select="@sd"/></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:if test="@sd and @n"> (n = <xsl:value-of select="@n"/>)</xsl:if>
  </xsl:template>

  <xsl:template match="t:cell" mode="html-text">
    <xsl:choose>
      <xsl:when test="contains(., ' ± ')">
        <xsl:value-of select="substring-before(., ' ± ')"/>
        <span class="sd"> ± <xsl:value-of select="substring-after(., ' ± ')"/></span>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
