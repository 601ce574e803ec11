<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table as CSV (RFC 4180: comma, CRLF, doubled quotes): values at full precision, spreads in columns of their own.
     Text that a spreadsheet would run as a formula begins with an apostrophe, which spreadsheets take for "text". -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                exclude-result-prefixes="t">
  <xsl:import href="text.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="name"/>

  <xsl:template match="/">
    <xsl:apply-templates select="t:tables/t:table[@name = $name]"/>
  </xsl:template>

  <xsl:template match="t:table">
    <xsl:for-each select="t:column[not(@only = 'text')]">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:call-template name="field"><xsl:with-param name="text" select="@name"/></xsl:call-template>
      <xsl:if test="@spread">
        <xsl:text>,</xsl:text>
        <xsl:call-template name="field"><xsl:with-param name="text" select="concat(@name, '_sd')"/></xsl:call-template>
      </xsl:if>
    </xsl:for-each>
    <xsl:text>&#13;&#10;</xsl:text>
    <xsl:apply-templates select="t:row"><xsl:with-param name="columns" select="t:column"/></xsl:apply-templates>
  </xsl:template>

  <!-- The columns are handed on: to look for them among a table's rows takes time with the square of their number. -->
  <xsl:template match="t:row">
    <xsl:param name="columns"/>
    <xsl:for-each select="t:cell">
      <xsl:variable name="position" select="position()"/>
      <xsl:variable name="column" select="$columns[$position]"/>
      <xsl:if test="not($column/@only = 'text')">
        <xsl:if test="$column/preceding-sibling::t:column[not(@only = 'text')]">,</xsl:if>
        <xsl:choose>
          <xsl:when test="@value"><xsl:call-template name="field"><xsl:with-param name="text" select="@value"/></xsl:call-template></xsl:when>
          <xsl:when test=". = '–'"/>
          <xsl:otherwise><xsl:call-template name="field"><xsl:with-param name="text" select="."/></xsl:call-template></xsl:otherwise>
        </xsl:choose>
        <xsl:if test="$column/@spread">,<xsl:value-of select="@sd"/></xsl:if>
      </xsl:if>
    </xsl:for-each>
    <xsl:text>&#13;&#10;</xsl:text>
  </xsl:template>

  <xsl:template name="field">
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="translate(substring($text, 1, 1), '=+-@&#9;&#13;', '') != substring($text, 1, 1) and not(number($text) = number($text))">
        <xsl:text>"'</xsl:text>
        <xsl:call-template name="escape"><xsl:with-param name="text" select="$text"/><xsl:with-param name="special" select="'&quot;'"/></xsl:call-template>
        <xsl:text>"</xsl:text>
      </xsl:when>
      <xsl:when test="translate($text, ',&quot;&#10;&#13;', '') != $text">
        <xsl:text>"</xsl:text>
        <xsl:call-template name="escape"><xsl:with-param name="text" select="$text"/><xsl:with-param name="special" select="'&quot;'"/></xsl:call-template>
        <xsl:text>"</xsl:text>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="character">
    <xsl:param name="c"/>
    <xsl:text>""</xsl:text>
  </xsl:template>
</xsl:stylesheet>
