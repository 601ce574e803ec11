<?xml version="1.0" encoding="UTF-8"?>
<!-- Two published claims put to the test: accuracy raised by moderate pruning, nothing lost below the share of near-zero γ.
     (A third, fewer parameters at equal accuracy, is a comparison that the matrix declares.) -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <xsl:template name="claims-tables">
    <xsl:if test="s:section/s:gamma"><xsl:call-template name="claims-pruning"/></xsl:if>
  </xsl:template>

  <!-- Moderate pruning, and pruning below the share of near-zero γ -->

  <xsl:template name="claims-pruning">
    <table name="claims.pruning" kind="claims">
      <caption>Pruning by |γ| against the unpruned network: was accuracy raised, was anything lost</caption>
      <xsl:call-template name="place-columns"/>
      <column name="title" title="Data set" only="text"/>
      <column name="schedule_label" title="Schedule" only="text"/>
      <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:section[s:gamma]/s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels']"/></xsl:call-template>
      <column name="near_zero" title="γ near zero" unit="%" align="right"/>
      <column name="top1_delta" title="Δ top-1" unit="points" align="right"/>
      <column name="low" title="95 % from" unit="points" align="right"/>
      <column name="high" title="to" unit="points" align="right"/>
      <column name="raised" title="Moderate: raised?"/>
      <column name="lost" title="Below near-zero: lost?"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:section[s:gamma]/s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels']">
        <xsl:variable name="delta" select="s:value[@name = 'top1-delta' and @stage = 'final']"/>
        <row>
          <xsl:apply-templates select="." mode="place-cells"/>
          <cell><xsl:value-of select="../../@title"/></cell>
          <cell><xsl:value-of select="../@label"/></cell>
          <xsl:apply-templates select="." mode="removed-cells"><xsl:with-param name="mark"><xsl:apply-templates select="." mode="mark"/></xsl:with-param></xsl:apply-templates>
          <cell value="{../../s:gamma/@near-zero}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * ../../s:gamma/@near-zero"/></xsl:call-template></cell>
          <cell value="{$delta/@mean}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * $delta/@mean"/></xsl:call-template></cell>
          <cell value="{$delta/@low}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * $delta/@low"/></xsl:call-template></cell>
          <cell value="{$delta/@high}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * $delta/@high"/></xsl:call-template></cell>
          <cell><xsl:apply-templates select="." mode="raised"/></cell>
          <cell><xsl:apply-templates select="." mode="lost"/></cell>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>Δ top-1: final minus unpruned, paired by seed; 95 % interval by Student's t, from three seeds on, without correction for the number of comparisons. Moderate: at most 40 % of the channels. γ near zero: share of |γ| of the unpruned network in the first of 128 bins of equal width from 0 to the largest |γ| of all layers. Nothing lost: the interval is above −2 points. Final networks were trained for more epochs than the unpruned one.</note>
      <xsl:call-template name="protocol-notes"><xsl:with-param name="of" select="s:section/s:schedule/s:row"/></xsl:call-template>
    </table>
  </xsl:template>

  <!-- $of: the number of rows that this one was chosen from, as the best or the worst; more than 1: by p, corrected for that -->
  <xsl:template match="s:row" mode="raised">
    <xsl:param name="of" select="1"/>
    <xsl:variable name="delta" select="s:value[@name = 'top1-delta' and @stage = 'final']"/>
    <xsl:variable name="share"><xsl:apply-templates select="." mode="share-number"/></xsl:variable>
    <xsl:choose>
      <xsl:when test="not($share &lt; 0.400001) or not($delta)">–</xsl:when>
      <xsl:when test="not($delta/@low)"><xsl:apply-templates select="$delta" mode="undecided"/></xsl:when>
      <xsl:when test="$of &gt; 1 and not($of * $delta/@p &lt;= 0.05)">not distinguished</xsl:when>
      <xsl:when test="$delta/@low &gt; 0">raised</xsl:when>
      <xsl:when test="$delta/@high &lt; 0">lowered</xsl:when>
      <xsl:otherwise>not distinguished</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template match="s:row" mode="lost">
    <xsl:param name="of" select="1"/>
    <xsl:variable name="delta" select="s:value[@name = 'top1-delta' and @stage = 'final']"/>
    <xsl:variable name="share"><xsl:apply-templates select="." mode="share-number"/></xsl:variable>
    <xsl:choose>
      <xsl:when test="not($share &lt; ../../s:gamma/@near-zero) or not($delta)">–</xsl:when>
      <xsl:when test="not($delta/@low)"><xsl:apply-templates select="$delta" mode="undecided"/></xsl:when>
      <xsl:when test="$delta/@high &lt; 0 and ($of = 1 or $of * $delta/@p &lt;= 0.05)">lost</xsl:when>
      <xsl:when test="$delta/@low &gt;= -0.02">nothing lost</xsl:when>
      <xsl:otherwise>not decided</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template match="s:value" mode="undecided">
    <xsl:choose>
      <xsl:when test="@n = 2">two seeds decide nothing</xsl:when>
      <xsl:otherwise>one seed decides nothing</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
