<?xml version="1.0" encoding="UTF-8"?>
<!-- The tables of size and speed of a data set, and the columns that place a row in the whole run. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <!-- Columns that only data files have: which table a row comes from, under which protocol -->

  <xsl:template name="place-columns">
    <column name="dataset" only="csv"/>
    <column name="model" only="csv"/>
    <column name="backend" only="csv"/>
    <column name="variant" only="csv"/>
    <column name="schedule" only="csv"/>
    <column name="measure" only="csv"/>
    <column name="protocol" only="csv"/>
  </xsl:template>
  <xsl:template match="s:row | s:baseline" mode="place-cells">
    <xsl:attribute name="anchor"><xsl:value-of select="@anchor"/></xsl:attribute>
    <cell><xsl:value-of select="../../@dataset"/></cell>
    <cell><xsl:value-of select="../../@model"/></cell>
    <cell><xsl:value-of select="../../@backend"/></cell>
    <cell><xsl:value-of select="../../@variant"/></cell>
    <cell><xsl:value-of select="../@label"/></cell>
    <cell><xsl:value-of select="@measure"/></cell>
    <cell><xsl:apply-templates select="." mode="protocol"/></cell>
  </xsl:template>

  <!-- Costs of a data set, all schedules: size, then speed -->

  <!-- Sections of matrices with penalties, whose results count what is exactly zero -->
  <xsl:key name="zeros" match="s:value[@name = 'zero-filters']" use="ancestor::s:section/@id"/>
  <xsl:template name="zero-columns">
    <xsl:if test="key('zeros', @id)">
      <column name="zero_filters" title="Zero filters" align="right"/>
      <column name="zero_inputs" title="Zero inputs" align="right"/>
      <column name="zero_shapes" title="Zero shapes" align="right"/>
    </xsl:if>
  </xsl:template>
  <xsl:template match="s:section" mode="costs">
    <xsl:variable name="base" select="s:schedule[1]/s:baseline"/>
    <xsl:variable name="unit-params"><xsl:call-template name="unit"><xsl:with-param name="of" select="$base/s:value[@name = 'params' and @stage = 'base']/@mean"/></xsl:call-template></xsl:variable>
    <xsl:variable name="unit-macs"><xsl:call-template name="unit"><xsl:with-param name="of" select="$base/s:value[@name = 'macs' and @stage = 'base']/@mean"/></xsl:call-template></xsl:variable>
    <xsl:variable name="unit-bytes"><xsl:call-template name="unit"><xsl:with-param name="of" select="$base/s:value[@name = 'bytes' and @stage = 'base']/@mean"/></xsl:call-template></xsl:variable>
    <table name="{@id}.costs" kind="costs" section="{@id}">
      <caption>
        <xsl:value-of select="concat(@title, ': size and work saved by pruning; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="row-columns"/>
      <column name="params" title="Params" unit="{$unit-params}" align="right"/>
      <column name="params_reduction" title="less" unit="%" align="right"/>
      <column name="params_trunk" title="Trunk" unit="{$unit-params}" align="right"/>
      <column name="params_head" title="Head" unit="{$unit-params}" align="right"/>
      <column name="macs" title="MACs" unit="{$unit-macs}" align="right"/>
      <column name="macs_reduction" title="less" unit="%" align="right"/>
      <xsl:call-template name="nonzero-columns"><xsl:with-param name="in" select="."/><xsl:with-param name="params" select="$base/s:value[@name = 'params' and @stage = 'base']/@mean"/><xsl:with-param name="macs" select="$base/s:value[@name = 'macs' and @stage = 'base']/@mean"/></xsl:call-template>
      <xsl:call-template name="zero-columns"/>
      <column name="bytes" title="File" unit="{$unit-bytes}B" align="right"/>
      <column name="seeds" title="n" align="right"/>
      <row kind="baseline">
        <xsl:apply-templates select="$base" mode="row-cells"/>
        <xsl:apply-templates select="$base" mode="cost-cells"><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates>
      </row>
      <xsl:for-each select="s:schedule/s:row">
        <row>
          <xsl:if test="not(preceding-sibling::s:row)"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <xsl:apply-templates select="." mode="row-cells"/>
          <xsl:apply-templates select="." mode="cost-cells"><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
        </row>
      </xsl:for-each>
      <xsl:call-template name="removed-note"><xsl:with-param name="of" select="s:schedule/s:row"/></xsl:call-template>
      <xsl:call-template name="nonzero-note"><xsl:with-param name="in" select="."/></xsl:call-template>
      <xsl:if test="key('zeros', @id)">
        <note>Zero: filters, input channels and places of all filters (shapes) of convolutions whose weights are all exactly zero, as a penalty leaves them.</note>
      </xsl:if>
      <note>Means over seeds. MACs: multiplications with addition of convolutions, linear layers and bilinear pooling (FLOPs = 2 · MACs). File: the checkpoint without momentum.</note>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <xsl:template match="s:section" mode="speed">
    <xsl:variable name="base" select="s:schedule[1]/s:baseline"/>
    <xsl:variable name="batches" select="(.//s:value[@name = 'median-ms' and @stage = 'pruned'])[1]/../s:value[@name = 'median-ms' and @stage = 'pruned']/@batch"/>
    <table name="{@id}.speed" kind="speed" section="{@id}">
      <caption>
        <xsl:value-of select="concat(@title, ': measured speed and memory; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="row-columns"/>
      <xsl:for-each select="$batches">
        <column name="latency_ms_batch_{.}" title="Batch {.}" unit="ms" align="right" spread="true"/>
        <column name="latency_p95_ms_batch_{.}" title="95 % below" unit="ms" align="right" spread="true"/>
        <column name="speed_up_batch_{.}" title="faster" unit="×" align="right"/>
      </xsl:for-each>
      <column name="achieved" only="csv"/>
      <column name="floored" title="Floored" align="right"/>
      <column name="peak_rss_bytes" title="Peak memory" unit="MB" align="right"/>
      <column name="seeds" title="n" align="right"/>
      <row kind="baseline">
        <xsl:apply-templates select="$base" mode="row-cells"/>
        <xsl:apply-templates select="$base" mode="speed-cells"><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="batches" select="$batches"/></xsl:apply-templates>
      </row>
      <xsl:for-each select="s:schedule/s:row">
        <row>
          <xsl:if test="not(preceding-sibling::s:row)"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <xsl:apply-templates select="." mode="row-cells"/>
          <xsl:apply-templates select="." mode="speed-cells"><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="batches" select="$batches"/></xsl:apply-templates>
        </row>
      </xsl:for-each>
      <note>Means over seeds; latencies are medians, with what 95 % of the runs stay below, measured after all cells were done, one network at a time; networks that are the same (model, widths, classes, backend, threads, processor) share one figure. faster: from two latencies without §. Floored: channels that the floor per layer saved. Peak memory: of the whole cell, training included.</note>
      <xsl:call-template name="removed-note"><xsl:with-param name="of" select="s:schedule/s:row"/></xsl:call-template>
      <xsl:call-template name="noise-note"><xsl:with-param name="of" select="s:schedule/s:row | s:schedule/s:baseline"/></xsl:call-template>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <xsl:template name="row-columns">
    <xsl:call-template name="place-columns"/>
    <column name="schedule" title="Schedule" only="text"/>
    <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:schedule/s:row"/></xsl:call-template>
    <column name="criterion" title="Criterion"/>
  </xsl:template>
  <xsl:template match="s:baseline" mode="row-cells">
    <xsl:apply-templates select="." mode="place-cells"/>
    <cell>any</cell>
    <xsl:apply-templates select="." mode="removed-cells"/>
    <cell value="unpruned">unpruned<xsl:apply-templates select="." mode="mark"/></cell>
  </xsl:template>
  <xsl:template match="s:row" mode="row-cells">
    <xsl:apply-templates select="." mode="place-cells"/>
    <cell>
      <xsl:if test="preceding-sibling::s:row"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
      <xsl:value-of select="../@label"/>
    </cell>
    <xsl:apply-templates select="." mode="removed-cells"/>
    <cell value="{@criterion}"><xsl:apply-templates select="." mode="criterion"/></cell>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="cost-cells">
    <xsl:param name="stage"/>
    <xsl:variable name="base" select="../../s:schedule[1]/s:baseline/s:value[@stage = 'base']"/>
    <xsl:variable name="params" select="$base[@name = 'params']/@mean"/>
    <xsl:variable name="macs" select="$base[@name = 'macs']/@mean"/>
    <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-percent"><xsl:with-param name="name" select="'params-reduction'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'params-trunk'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'params-head'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-percent"><xsl:with-param name="name" select="'macs-reduction'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
    <xsl:call-template name="nonzero-cells"><xsl:with-param name="in" select="../.."/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="params" select="$params"/><xsl:with-param name="macs" select="$macs"/></xsl:call-template>
    <xsl:if test="key('zeros', ancestor::s:section/@id)">
      <xsl:apply-templates select="." mode="mean-count"><xsl:with-param name="name" select="'zero-filters'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
      <xsl:apply-templates select="." mode="mean-count"><xsl:with-param name="name" select="'zero-input-channels'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
      <xsl:apply-templates select="." mode="mean-count"><xsl:with-param name="name" select="'zero-shapes'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
    </xsl:if>
    <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'bytes'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$base[@name = 'bytes']/@mean"/></xsl:apply-templates>
    <cell><xsl:value-of select="@n"/></cell>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="speed-cells">
    <xsl:param name="stage"/>
    <xsl:param name="batches"/>
    <xsl:variable name="row" select="."/>
    <xsl:for-each select="$batches">
      <xsl:apply-templates select="$row" mode="plain"><xsl:with-param name="name" select="'median-ms'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="batch" select="."/></xsl:apply-templates>
      <xsl:apply-templates select="$row" mode="plain"><xsl:with-param name="name" select="'p95-ms'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="batch" select="."/></xsl:apply-templates>
      <xsl:apply-templates select="$row" mode="mean-plain"><xsl:with-param name="name" select="'speed-up'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="batch" select="."/></xsl:apply-templates>
    </xsl:for-each>
    <xsl:apply-templates select="." mode="mean-percent"><xsl:with-param name="name" select="'achieved'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
    <xsl:apply-templates select="." mode="mean-count"><xsl:with-param name="name" select="'floored'"/><xsl:with-param name="stage" select="$stage"/></xsl:apply-templates>
    <xsl:variable name="rss" select="s:value[@name = 'peak-rss-bytes']/@mean"/>
    <cell value="{$rss}"><xsl:call-template name="number"><xsl:with-param name="value" select="$rss div 1000000"/><xsl:with-param name="format" select="'0'"/></xsl:call-template></cell>
    <cell><xsl:value-of select="@n"/></cell>
  </xsl:template>
</xsl:stylesheet>
