<?xml version="1.0" encoding="UTF-8"?>
<!-- The table of pruning steps of a schedule: what each cut, at which threshold. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <xsl:template match="s:schedule" mode="steps">
    <xsl:variable name="revived" select="s:row/s:value[@name = 'revived']"/>
    <table name="{@id}.steps" kind="steps" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': pruning steps; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="place-columns"/>
      <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <column name="criterion" title="Criterion"/>
      <column name="step" title="Step"/>
      <column name="from" title="cuts"/>
      <column name="channels_before" title="Channels" align="right"/>
      <column name="channels_after" title="→ after" align="right"/>
      <column name="reached" title="Reached" unit="%" align="right"/>
      <column name="threshold" title="Threshold" align="right" spread="true"/>
      <column name="at_threshold" title="at it" align="right"/>
      <column name="floored" title="Floored" align="right"/>
      <column name="equivalence" title="Masked − compacted" align="right"/>
      <xsl:if test="$revived"><column name="revived" title="Came back" align="right"/></xsl:if>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:row/s:step">
        <xsl:variable name="first" select="not(preceding-sibling::s:step)"/>
        <row>
          <xsl:if test="$first and not(../preceding-sibling::s:row[1]/@target = ../@target)"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <xsl:apply-templates select=".." mode="place-cells"/>
          <xsl:apply-templates select=".." mode="removed-cells">
            <xsl:with-param name="repeated" select="not($first) or (../preceding-sibling::s:row[1]/@target = ../@target and string(../preceding-sibling::s:row[1]/@removed) = string(../@removed) and not(../@removed-min))"/>
          </xsl:apply-templates>
          <cell value="{../@criterion}">
            <xsl:if test="not($first)"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
            <xsl:apply-templates select=".." mode="criterion"/>
          </cell>
          <cell><xsl:value-of select="@stage"/></cell>
          <cell><xsl:value-of select="@from"/></cell>
          <cell value="{@before}"><xsl:call-template name="number"><xsl:with-param name="value" select="@before"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
          <cell value="{@after}"><xsl:call-template name="number"><xsl:with-param name="value" select="@after"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
          <cell value="{@achieved}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @achieved"/></xsl:call-template></cell>
          <cell value="{@threshold}">
            <xsl:if test="@threshold-sd"><xsl:attribute name="sd"><xsl:value-of select="@threshold-sd"/></xsl:attribute></xsl:if>
            <xsl:call-template name="significant"><xsl:with-param name="value" select="@threshold"/></xsl:call-template>
            <xsl:if test="@threshold-sd"> ± <xsl:call-template name="significant"><xsl:with-param name="value" select="@threshold-sd"/></xsl:call-template></xsl:if>
          </cell>
          <cell value="{@ties}"><xsl:call-template name="number"><xsl:with-param name="value" select="@ties"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
          <cell value="{@floored}"><xsl:call-template name="number"><xsl:with-param name="value" select="@floored"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
          <cell value="{@equivalence}"><xsl:call-template name="significant"><xsl:with-param name="value" select="@equivalence"/></xsl:call-template></cell>
          <xsl:if test="$revived">
            <xsl:variable name="back" select="../s:value[@name = 'revived']/@mean"/>
            <cell value="{$back}"><xsl:call-template name="number"><xsl:with-param name="value" select="$back"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
          </xsl:if>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>
        <xsl:text>Means over seeds. Removed: after all steps. Channels: of all layers, before the step and after it. Reached: share of what the target counts that was gone after the step. Threshold: the highest normalised score at which a layer was cut; at it: number of channels whose score is just their layer's threshold, so more than one per threshold are ties. Floored: channels that the floor per layer saved. Masked − compacted: the largest over seeds.</xsl:text>
        <xsl:if test="$revived"> Came back: channels unmasked again, summed over the epochs of soft training.</xsl:if>
      </note>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- Layers that a schedule pruned alone. Rows differ in their targets only: the scan is the same in all, and one is shown per criterion. -->
  <xsl:template match="s:schedule" mode="alone">
    <table name="{@id}.alone" kind="alone" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': layers pruned alone; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <column name="criterion" title="Criterion"/>
      <column name="layer" title="Layer"/>
      <column name="channels" title="Channels" align="right"/>
      <column name="kept" title="→ kept" align="right"/>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="top1" title="Top-1" unit="%" align="right" spread="true"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:row[s:alone][not(@criterion = preceding-sibling::s:row[s:alone]/@criterion)]/s:alone">
        <xsl:variable name="again" select="preceding-sibling::s:alone[1]/@layer = @layer"/>
        <row>
          <xsl:if test="not(preceding-sibling::s:alone)"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <cell value="{../@criterion}">
            <xsl:if test="preceding-sibling::s:alone"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
            <xsl:apply-templates select=".." mode="criterion"/>
          </cell>
          <cell>
            <xsl:if test="$again"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
            <xsl:value-of select="@layer"/>
          </cell>
          <cell value="{@channels}">
            <xsl:if test="$again"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
            <xsl:value-of select="@channels"/>
          </cell>
          <cell><xsl:value-of select="@kept"/></cell>
          <cell value="{1 - @kept div @channels}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * (1 - @kept div @channels)"/></xsl:call-template></cell>
          <cell value="{@top1}">
            <xsl:if test="@top1-sd"><xsl:attribute name="sd"><xsl:value-of select="@top1-sd"/></xsl:attribute></xsl:if>
            <xsl:call-template name="number"><xsl:with-param name="value" select="100 * @top1"/></xsl:call-template>
            <xsl:if test="@top1-sd"> ± <xsl:call-template name="number"><xsl:with-param name="value" select="100 * @top1-sd"/></xsl:call-template></xsl:if>
          </cell>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>Networks in which one layer alone was pruned, without any training, on the validation images; means over seeds ± their standard deviation.</note>
    </table>
  </xsl:template>

  <!-- Three significant digits of any size: "0.0123", "1.23e-05" -->
  <xsl:template name="significant">
    <xsl:param name="value"/>
    <xsl:variable name="size" select="$value * (1 - 2 * ($value &lt; 0))"/>
    <xsl:choose>
      <xsl:when test="not(string($value))">–</xsl:when>
      <xsl:when test="$size = 0">0</xsl:when>
      <xsl:when test="$size &gt;= 1000000 or $size &lt; 0.0001"><xsl:call-template name="scientific"><xsl:with-param name="value" select="$value"/></xsl:call-template></xsl:when>
      <xsl:when test="$size &gt;= 100"><xsl:value-of select="format-number($value, '0')"/></xsl:when>
      <xsl:when test="$size &gt;= 10"><xsl:value-of select="format-number($value, '0.0')"/></xsl:when>
      <xsl:when test="$size &gt;= 1"><xsl:value-of select="format-number($value, '0.00')"/></xsl:when>
      <xsl:when test="$size &gt;= 0.1"><xsl:value-of select="format-number($value, '0.000')"/></xsl:when>
      <xsl:when test="$size &gt;= 0.01"><xsl:value-of select="format-number($value, '0.0000')"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="format-number($value, '0.000000')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="scientific">
    <xsl:param name="value"/>
    <xsl:param name="exponent" select="0"/>
    <xsl:variable name="size" select="$value * (1 - 2 * ($value &lt; 0))"/>
    <xsl:choose>
      <xsl:when test="$size &gt;= 9.995"><xsl:call-template name="scientific"><xsl:with-param name="value" select="$value div 10"/><xsl:with-param name="exponent" select="$exponent + 1"/></xsl:call-template></xsl:when>
      <xsl:when test="$size &lt; 0.9995"><xsl:call-template name="scientific"><xsl:with-param name="value" select="$value * 10"/><xsl:with-param name="exponent" select="$exponent - 1"/></xsl:call-template></xsl:when>
      <xsl:otherwise><xsl:value-of select="concat(format-number($value, '0.00'), 'e', $exponent)"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
