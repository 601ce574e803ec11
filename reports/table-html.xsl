<?xml version="1.0" encoding="UTF-8"?>
<!-- A neutral table as an HTML fragment. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:prunebench:tables:1"
                exclude-result-prefixes="t">
  <xsl:output method="html" encoding="UTF-8" indent="no"/>
  <xsl:param name="name"/>
  <!-- A table in a file of its own is one folder below the page. -->
  <xsl:variable name="up"><xsl:if test="string($name)">../</xsl:if></xsl:variable>
  <xsl:variable name="page"><xsl:if test="string($name)">../index.html</xsl:if></xsl:variable>

  <xsl:template match="/">
    <xsl:apply-templates select="t:tables/t:table[@name = $name]" mode="html"/>
  </xsl:template>

  <xsl:template match="t:table" mode="html">
    <div class="table {@kind}">
      <p class="caption" id="table-{@name}"><xsl:value-of select="t:caption"/></p>
      <div class="scroll" tabindex="0" role="group" aria-labelledby="table-{@name}"><table aria-labelledby="table-{@name}">
        <thead>
          <tr>
            <xsl:for-each select="t:column[not(@only = 'csv')]">
              <th scope="col">
                <xsl:if test="@align"><xsl:attribute name="class"><xsl:value-of select="@align"/></xsl:attribute></xsl:if>
                <xsl:value-of select="@title"/>
                <xsl:if test="string(@unit)"><xsl:text> </xsl:text><span class="unit"><xsl:value-of select="@unit"/></span></xsl:if>
              </th>
            </xsl:for-each>
          </tr>
        </thead>
        <tbody>
          <xsl:apply-templates select="t:row" mode="html"/>
        </tbody>
      </table></div>
      <xsl:for-each select="t:note"><p class="note"><xsl:value-of select="."/></p></xsl:for-each>
    </div>
  </xsl:template>

  <xsl:template match="t:row" mode="html">
    <xsl:variable name="header" select="count(../t:column[not(@only = 'csv')][1]/preceding-sibling::t:column) + 1"/>
    <xsl:variable name="last" select="count(../t:column[not(@only = 'csv')][last()]/preceding-sibling::t:column) + 1"/>
    <tr>
      <xsl:copy-of select="@id"/>
      <xsl:if test="@kind or @first"><xsl:attribute name="class"><xsl:value-of select="@kind"/><xsl:if test="@first"> first</xsl:if></xsl:attribute></xsl:if>
      <xsl:for-each select="t:cell">
        <xsl:variable name="position" select="position()"/>
        <xsl:variable name="column" select="../../t:column[$position]"/>
        <xsl:choose>
          <xsl:when test="$column/@only = 'csv'"/>
          <xsl:when test="$position = $header">
            <th scope="row"><xsl:apply-templates select="." mode="html-cell"><xsl:with-param name="column" select="$column"/></xsl:apply-templates></th>
          </xsl:when>
          <xsl:otherwise>
            <td>
              <xsl:apply-templates select="." mode="html-cell">
                <xsl:with-param name="column" select="$column"/>
                <xsl:with-param name="anchor" select="../@anchor[$position = $last]"/>
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
    <xsl:variable name="class"><xsl:value-of select="$column/@align"/><xsl:if test="@best"> best</xsl:if><xsl:if test="@repeated"> repeated</xsl:if></xsl:variable>
    <xsl:if test="normalize-space($class)"><xsl:attribute name="class"><xsl:value-of select="normalize-space($class)"/></xsl:attribute></xsl:if>
    <xsl:choose>
      <xsl:when test="@document">
        <a href="{$up}../{@document}"><xsl:value-of select="."/></a>
        <xsl:if test="@log"><xsl:text> </xsl:text><a href="{$up}../{@log}">log</a></xsl:if>
      </xsl:when>
      <xsl:when test="string($anchor)">
        <a href="{$page}#{$anchor}" title="The documents and logs behind this row"><xsl:apply-templates select="." mode="html-text"/></a>
      </xsl:when>
      <xsl:otherwise><xsl:apply-templates select="." mode="html-text"/></xsl:otherwise>
    </xsl:choose>
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
