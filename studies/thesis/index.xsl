<?xml version="1.0" encoding="UTF-8"?>
<!-- The page of every report, with the published tables and the claims. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns:t="urn:prunebench:tables:1" exclude-result-prefixes="s t">
  <xsl:import href="../../reports/index.xsl"/>
  <xsl:import href="study.xsl"/>

  <!-- The γ figures that are shown among the published results: the first network of each data set that is of their kind -->
  <xsl:variable name="with-gamma" select="$studied[@variant != 'heavier' and s:gamma-change]"/>
  <xsl:variable name="gamma-beside" select="$with-gamma[not(@dataset = preceding-sibling::s:section[@head = 'bilinear' and @batch-norm = 'true' and @variant != 'heavier' and s:gamma-change]/@dataset)]"/>

  <xsl:template name="published-tables">
      <xsl:apply-templates select="$tables/t:table[@name = 'thesis.4-1.data']" mode="html"/>
      <xsl:call-template name="samples"/>
      <xsl:if test="$gamma-beside">
        <div class="figures"><xsl:apply-templates select="$gamma-beside/s:figure[@kind = 'gamma']"/></div>
      </xsl:if>
      <xsl:apply-templates select="$tables/t:table[@kind = 'published' and @name != 'thesis.4-1.data']" mode="html"/>
  </xsl:template>

  <xsl:template name="study-findings">
    <xsl:if test="s:gamma"><xsl:call-template name="said-moderate"/><xsl:call-template name="said-near-zero"/></xsl:if>
  </xsl:template>

  <xsl:template name="said-moderate">
    <xsl:for-each select="s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels' and @removed and ((@off-target and @removed &lt; 0.400001) or (not(@off-target) and @amount &lt; 0.400001))]/s:value[@name = 'top1-delta' and @stage = 'final']">
      <xsl:sort select="@mean" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <li>
          <xsl:text>Moderate pruning (at most 40 %), the best of </xsl:text>
          <xsl:value-of select="last()"/>
          <xsl:text>: </xsl:text>
          <xsl:apply-templates select=".." mode="what"/>
          <xsl:text>, </xsl:text>
          <xsl:call-template name="said-interval"/>
          <xsl:text>: accuracy </xsl:text>
          <b><xsl:apply-templates select=".." mode="raised"><xsl:with-param name="of" select="last()"/></xsl:apply-templates></b>
          <xsl:if test="last() &gt; 1 and @n &gt; 2"> (by p, corrected for the choice)</xsl:if>
          <xsl:text>.</xsl:text>
        </li>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="said-near-zero">
    <xsl:variable name="share" select="s:gamma/@near-zero"/>
    <xsl:variable name="below" select="s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels' and @removed and ((@off-target and @removed &lt; $share) or (not(@off-target) and @amount &lt; $share))]/s:value[@name = 'top1-delta' and @stage = 'final']"/>
    <li>
      <xsl:value-of select="concat('Near zero (first of 128 bins) are ', format-number(100 * $share, '0.0'), ' % of γ; ')"/>
      <xsl:choose>
        <xsl:when test="not($below)">no share removed is below that, so whether anything is lost there is not known.</xsl:when>
        <xsl:otherwise>
          <xsl:for-each select="$below">
            <xsl:sort select="@mean" data-type="number"/>
            <xsl:if test="position() = 1">
              <xsl:text>below that, at the worst: </xsl:text>
              <xsl:apply-templates select=".." mode="what"/>
              <xsl:text>, </xsl:text>
              <xsl:call-template name="said-interval"/>
              <xsl:text>: </xsl:text>
              <b><xsl:apply-templates select=".." mode="lost"><xsl:with-param name="of" select="last()"/></xsl:apply-templates></b>
              <xsl:text>.</xsl:text>
            </xsl:if>
          </xsl:for-each>
        </xsl:otherwise>
      </xsl:choose>
    </li>
  </xsl:template>
</xsl:stylesheet>
