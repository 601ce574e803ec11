<?xml version="1.0" encoding="UTF-8"?>
<!-- Text character by character, for formats with characters of their own. A stylesheet that imports this overrides
     the template "character". Text is halved, not peeled, so that long ones need little depth. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template name="escape">
    <xsl:param name="text"/>
    <xsl:param name="special"/>
    <xsl:variable name="length" select="string-length($text)"/>
    <xsl:choose>
      <xsl:when test="string-length(translate($text, $special, '')) = $length"><xsl:value-of select="$text"/></xsl:when>
      <xsl:when test="$length = 1">
        <xsl:call-template name="character"><xsl:with-param name="c" select="$text"/></xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:call-template name="escape">
          <xsl:with-param name="text" select="substring($text, 1, floor($length div 2))"/><xsl:with-param name="special" select="$special"/>
        </xsl:call-template>
        <xsl:call-template name="escape">
          <xsl:with-param name="text" select="substring($text, floor($length div 2) + 1)"/><xsl:with-param name="special" select="$special"/>
        </xsl:call-template>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="character">
    <xsl:param name="c"/>
    <xsl:value-of select="$c"/>
  </xsl:template>
</xsl:stylesheet>
