<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table as Markdown (GitHub's tables). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                exclude-result-prefixes="t">
  <xsl:import href="text.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="name"/>
  <xsl:variable name="special">\|*_`&lt;&gt;[]&amp;~#</xsl:variable>

  <xsl:template match="/">
    <xsl:apply-templates select="t:tables/t:table[@name = $name]"/>
  </xsl:template>

  <xsl:template match="t:table">
    <xsl:text>**</xsl:text>
    <xsl:call-template name="markdown"><xsl:with-param name="text" select="t:caption"/></xsl:call-template>
    <xsl:text>**&#10;&#10;|</xsl:text>
    <xsl:for-each select="t:column[not(@only = 'csv')]">
      <xsl:text> </xsl:text>
      <xsl:call-template name="markdown"><xsl:with-param name="text" select="@title"/></xsl:call-template>
      <xsl:if test="string(@unit)"> (<xsl:value-of select="@unit"/>)</xsl:if>
      <xsl:text> |</xsl:text>
    </xsl:for-each>
    <xsl:text>&#10;|</xsl:text>
    <xsl:for-each select="t:column[not(@only = 'csv')]">
      <xsl:choose>
        <xsl:when test="@align = 'right'"> ---: |</xsl:when>
        <xsl:otherwise> --- |</xsl:otherwise>
      </xsl:choose>
    </xsl:for-each>
    <xsl:text>&#10;</xsl:text>
    <xsl:variable name="columns" select="t:column"/>
    <xsl:for-each select="t:row">
      <xsl:text>|</xsl:text>
      <xsl:for-each select="t:cell">
        <xsl:variable name="position" select="position()"/>
        <xsl:if test="not($columns[$position]/@only = 'csv')">
          <xsl:text> </xsl:text>
          <xsl:if test="@best">**</xsl:if>
          <xsl:call-template name="markdown"><xsl:with-param name="text" select="."/></xsl:call-template>
          <xsl:if test="@best">**</xsl:if>
          <xsl:text> |</xsl:text>
        </xsl:if>
      </xsl:for-each>
      <xsl:text>&#10;</xsl:text>
    </xsl:for-each>
    <xsl:for-each select="t:note">
      <xsl:text>&#10;</xsl:text>
      <xsl:call-template name="markdown"><xsl:with-param name="text" select="."/></xsl:call-template>
      <xsl:text>&#10;</xsl:text>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="markdown">
    <xsl:param name="text"/>
    <xsl:call-template name="escape">
      <xsl:with-param name="text" select="normalize-space($text)"/>
      <xsl:with-param name="special" select="$special"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template name="character">
    <xsl:param name="c"/>
    <xsl:value-of select="concat('\', $c)"/>
  </xsl:template>
</xsl:stylesheet>
