<?xml version="1.0" encoding="UTF-8"?>
<!-- The published tables, filled from this run with the published numbers beside: accuracy and size, work and speed, by
     schedule. Which schedule goes into which table is told by its plugin and by the network of its section. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <xsl:variable name="studied" select="/s:summary/s:section[@head = 'bilinear' and @batch-norm = 'true']"/>
  <xsl:variable name="with-criteria" select="$studied/s:schedule/s:row[@criterion != ($studied/s:schedule/s:row/@criterion)[1]]"/>

  <xsl:template name="thesis-tables">
    <xsl:call-template name="thesis-data"/>
    <xsl:call-template name="thesis-settings"/>
    <xsl:call-template name="thesis-ablation"/>
    <xsl:call-template name="thesis-pair">
      <xsl:with-param name="name" select="'thesis.4-4.one-shot'"/>
      <xsl:with-param name="title" select="'4.4 One-shot pruning'"/>
      <xsl:with-param name="schedules" select="$studied[@variant != 'heavier']/s:schedule[@plugin = 'one-shot']"/>
    </xsl:call-template>
    <xsl:call-template name="thesis-pair">
      <xsl:with-param name="name" select="'thesis.4-5.iterative'"/>
      <xsl:with-param name="title" select="'4.5 Iterative pruning'"/>
      <xsl:with-param name="schedules" select="$studied[@variant != 'heavier']/s:schedule[@plugin = 'iterative']"/>
    </xsl:call-template>
    <xsl:call-template name="thesis-pair">
      <xsl:with-param name="name" select="'thesis.4-6.soft'"/>
      <xsl:with-param name="title" select="'4.6 Soft pruning'"/>
      <xsl:with-param name="schedules" select="$studied[@variant != 'heavier']/s:schedule[@plugin = 'soft']"/>
    </xsl:call-template>
    <xsl:call-template name="thesis-pair">
      <xsl:with-param name="name" select="'thesis.4-7.one-shot-heavier'"/>
      <xsl:with-param name="title" select="'4.7 One-shot pruning, heavier penalty on the last batch norm'"/>
      <xsl:with-param name="schedules" select="$studied[@variant = 'heavier']/s:schedule[@plugin = 'one-shot']"/>
    </xsl:call-template>
  </xsl:template>

  <!-- Accuracy and size; work and speed -->

  <xsl:template name="thesis-pair">
    <xsl:param name="name"/>
    <xsl:param name="title"/>
    <xsl:param name="schedules"/>
    <xsl:if test="$schedules">
      <xsl:call-template name="thesis-size">
        <xsl:with-param name="name" select="$name"/><xsl:with-param name="title" select="$title"/><xsl:with-param name="schedules" select="$schedules"/>
      </xsl:call-template>
      <xsl:call-template name="thesis-work">
        <xsl:with-param name="name" select="concat($name, '.work')"/><xsl:with-param name="title" select="$title"/><xsl:with-param name="schedules" select="$schedules"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template name="thesis-size">
    <xsl:param name="name"/>
    <xsl:param name="title"/>
    <xsl:param name="schedules"/>
    <xsl:variable name="differences" select="$schedules[not(../s:scale)]//s:published"/>
    <xsl:variable name="params"><xsl:call-template name="largest"><xsl:with-param name="of" select="$schedules/s:baseline/s:value[@name = 'params' and @stage = 'base']/@mean"/></xsl:call-template></xsl:variable>
    <xsl:variable name="published"><xsl:call-template name="largest"><xsl:with-param name="of" select="$schedules//s:published/@params"/></xsl:call-template></xsl:variable>
    <table name="{$name}" kind="published">
      <caption><xsl:value-of select="$title"/>: accuracy and size beside the published</caption>
      <xsl:call-template name="thesis-row-columns"/>
      <column name="top1" title="Top-1" unit="%" align="right" spread="true"/>
      <column name="top1_published" title="publ." unit="%" align="right"/>
      <xsl:if test="$differences"><column name="top1_difference" title="Δ" unit="points" align="right"/></xsl:if>
      <column name="params" title="Params" align="right" spread="true">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:attribute>
      </column>
      <column name="params_published" title="publ." align="right">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$published"/></xsl:call-template></xsl:attribute>
      </column>
      <xsl:if test="$differences">
        <column name="params_difference" title="Δ" align="right">
          <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:attribute>
        </column>
      </xsl:if>
      <column name="params_reduction" title="less" unit="%" align="right" spread="true"/>
      <column name="params_reduction_published" title="publ." unit="%" align="right"/>
      <xsl:if test="$differences"><column name="params_reduction_difference" title="Δ" unit="points" align="right"/></xsl:if>
      <column name="bytes" title="File" unit="MB" align="right" spread="true"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="$schedules">
        <xsl:for-each select="s:baseline | s:row">
          <xsl:variable name="stage"><xsl:apply-templates select="." mode="stage"/></xsl:variable>
          <row>
            <xsl:if test="self::s:baseline"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
            <xsl:apply-templates select="." mode="thesis-row-cells"/>
            <xsl:variable name="last"><xsl:apply-templates select="." mode="last"/></xsl:variable>
            <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="string($last)"/></xsl:apply-templates>
            <xsl:call-template name="published-cells">
              <xsl:with-param name="ours" select="s:value[@name = 'top1' and @stage = $last]/@mean"/>
              <xsl:with-param name="published" select="s:published/@top1"/>
              <xsl:with-param name="times" select="100"/>
              <xsl:with-param name="format" select="'0.00'"/>
              <xsl:with-param name="differences" select="$differences"/>
              <xsl:with-param name="mark"><xsl:apply-templates select="s:published" mode="mark"/></xsl:with-param>
            </xsl:call-template>
            <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="string($stage)"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
            <xsl:call-template name="published-scaled">
              <xsl:with-param name="ours" select="s:value[@name = 'params' and @stage = $stage]/@mean"/>
              <xsl:with-param name="published" select="s:published/@params"/>
              <xsl:with-param name="of" select="$published"/>
              <xsl:with-param name="differences" select="$differences"/>
            </xsl:call-template>
            <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'params-reduction'"/><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
            <xsl:call-template name="published-cells">
              <xsl:with-param name="ours" select="s:value[@name = 'params-reduction']/@mean"/>
              <xsl:with-param name="published" select="s:published/@params-reduction"/>
              <xsl:with-param name="times" select="100"/>
              <xsl:with-param name="differences" select="$differences"/>
            </xsl:call-template>
            <xsl:call-template name="spread-cell">
              <xsl:with-param name="value" select="s:value[@name = 'bytes' and @stage = $stage]"/>
              <xsl:with-param name="times" select="0.000001"/>
              <xsl:with-param name="format" select="'0.00'"/>
              <xsl:with-param name="exact" select="true()"/>
            </xsl:call-template>
            <cell><xsl:value-of select="@n"/></cell>
          </row>
        </xsl:for-each>
      </xsl:for-each>
      <note>±: standard deviation over seeds. publ.: published. less: reduction against the unpruned network. File: the checkpoint without momentum.<xsl:if test="$differences"> Δ: ours minus published.</xsl:if></note>
      <xsl:call-template name="thesis-notes"><xsl:with-param name="schedules" select="$schedules"/></xsl:call-template>
    </table>
  </xsl:template>

  <xsl:template name="thesis-work">
    <xsl:param name="name"/>
    <xsl:param name="title"/>
    <xsl:param name="schedules"/>
    <xsl:variable name="differences" select="$schedules[not(../s:scale)]//s:published"/>
    <xsl:variable name="macs"><xsl:call-template name="largest"><xsl:with-param name="of" select="$schedules/s:baseline/s:value[@name = 'counted' and @stage = 'base']/@mean"/></xsl:call-template></xsl:variable>
    <xsl:variable name="published"><xsl:call-template name="largest"><xsl:with-param name="of" select="$schedules//s:published/@counted"/></xsl:call-template></xsl:variable>
    <xsl:variable name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:variable>
    <xsl:variable name="batch" select="($schedules/s:figure[@kind = 'accuracy-latency'])[1]/@batch"/>
    <table name="{$name}" kind="published">
      <caption><xsl:value-of select="$title"/>: work and speed beside the published</caption>
      <xsl:call-template name="thesis-row-columns"/>
      <column name="macs" title="MACs" unit="{$unit}" align="right" spread="true"/>
      <column name="flops" title="FLOPs" unit="{$unit}" align="right"/>
      <column name="macs_reduction" title="less" unit="%" align="right" spread="true"/>
      <column name="macs_thesis" title="MACs, thesis" unit="{$unit}" align="right" spread="true"/>
      <column name="macs_thesis_published" title="publ." align="right">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$published"/></xsl:call-template></xsl:attribute>
      </column>
      <xsl:if test="$differences"><column name="macs_thesis_difference" title="Δ" unit="{$unit}" align="right"/></xsl:if>
      <column name="macs_thesis_reduction" title="less" unit="%" align="right" spread="true"/>
      <column name="macs_thesis_reduction_published" title="publ." unit="%" align="right"/>
      <xsl:if test="$differences"><column name="macs_thesis_reduction_difference" title="Δ" unit="points" align="right"/></xsl:if>
      <xsl:if test="$batch">
        <column name="latency_ms" title="Latency" unit="ms" align="right" spread="true"/>
        <column name="speed_up" title="faster" unit="×" align="right"/>
      </xsl:if>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="$schedules/s:baseline | $schedules/s:row">
        <xsl:variable name="stage"><xsl:apply-templates select="." mode="stage"/></xsl:variable>
        <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:variable>
        <xsl:variable name="format"><xsl:call-template name="unit-format"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:variable>
        <xsl:variable name="flops" select="2 * s:value[@name = 'macs' and @stage = $stage]/@mean"/>
        <row>
          <xsl:if test="self::s:baseline"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <xsl:apply-templates select="." mode="thesis-row-cells"/>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="string($stage)"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
          <cell value="{$flops}"><xsl:call-template name="number"><xsl:with-param name="value" select="$flops div $size"/><xsl:with-param name="format" select="string($format)"/></xsl:call-template></cell>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'macs-reduction'"/><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'counted'"/><xsl:with-param name="stage" select="string($stage)"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
          <xsl:call-template name="published-scaled">
            <xsl:with-param name="ours" select="s:value[@name = 'counted' and @stage = $stage]/@mean"/>
            <xsl:with-param name="published" select="s:published/@counted"/>
            <xsl:with-param name="of" select="$published"/>
            <xsl:with-param name="differences" select="$differences"/>
          </xsl:call-template>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'counted-reduction'"/><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
          <xsl:call-template name="published-cells">
            <xsl:with-param name="ours" select="s:value[@name = 'counted-reduction']/@mean"/>
            <xsl:with-param name="published" select="s:published/@counted-reduction"/>
            <xsl:with-param name="times" select="100"/>
            <xsl:with-param name="differences" select="$differences"/>
          </xsl:call-template>
          <xsl:if test="$batch">
            <xsl:apply-templates select="." mode="plain"><xsl:with-param name="name" select="'median-ms'"/><xsl:with-param name="stage" select="string($stage)"/><xsl:with-param name="batch" select="$batch"/></xsl:apply-templates>
            <xsl:apply-templates select="." mode="mean-plain"><xsl:with-param name="name" select="'speed-up'"/><xsl:with-param name="stage" select="string($stage)"/><xsl:with-param name="batch" select="$batch"/></xsl:apply-templates>
          </xsl:if>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>±: standard deviation over seeds. MACs of convolutions, linear layers and bilinear pooling; FLOPs are twice that. MACs, thesis: counted as ptflops does, without the bilinear pooling; the published numbers are counted so.<xsl:if test="$batch"> Latency: median at batch <xsl:value-of select="$batch"/>.</xsl:if></note>
      <xsl:call-template name="noise-note"><xsl:with-param name="of" select="$schedules/s:row | $schedules/s:baseline"/></xsl:call-template>
      <xsl:call-template name="thesis-notes"><xsl:with-param name="schedules" select="$schedules"/><xsl:with-param name="published" select="false()"/></xsl:call-template>
    </table>
  </xsl:template>

  <!-- What begins a row -->

  <xsl:template name="thesis-row-columns">
    <xsl:call-template name="place-columns"/>
    <column name="protocol_published" only="csv"/>
    <column name="title" title="Data set" only="text"/>
    <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="$studied/s:schedule/s:row"/></xsl:call-template>
    <xsl:if test="$with-criteria"><column name="criterion" title="Criterion"/></xsl:if>
  </xsl:template>
  <xsl:template match="s:row | s:baseline" mode="thesis-row-cells">
    <xsl:apply-templates select="." mode="place-cells"/>
    <cell><xsl:apply-templates select="s:published" mode="protocol"/></cell>
    <cell>
      <xsl:if test="self::s:row"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
      <xsl:value-of select="../../@title"/>
    </cell>
    <xsl:apply-templates select="." mode="removed-cells"><xsl:with-param name="mark"><xsl:apply-templates select="." mode="mark"/></xsl:with-param></xsl:apply-templates>
    <xsl:if test="$with-criteria"><cell><xsl:value-of select="@criterion"/><xsl:if test="self::s:baseline">unpruned</xsl:if></cell></xsl:if>
  </xsl:template>

  <!-- The stage whose costs a row is about -->
  <xsl:template match="s:baseline" mode="stage">base</xsl:template>
  <xsl:template match="s:row" mode="stage">pruned</xsl:template>
  <!-- … and whose accuracy -->
  <xsl:template match="s:baseline" mode="last">base</xsl:template>
  <xsl:template match="s:row" mode="last">final</xsl:template>

  <!-- Published numbers -->

  <xsl:template name="published-cells">
    <xsl:param name="ours"/>
    <xsl:param name="published"/>
    <xsl:param name="times" select="1"/>
    <xsl:param name="format" select="'0.0'"/>
    <xsl:param name="differences"/>
    <xsl:param name="mark"/>
    <xsl:param name="protocol" select="false()"/>
    <cell value="{$published}">
      <xsl:call-template name="number"><xsl:with-param name="value" select="$times * $published"/><xsl:with-param name="format" select="$format"/></xsl:call-template>
      <xsl:if test="$published"><xsl:value-of select="$mark"/></xsl:if>
    </cell>
    <xsl:if test="$protocol"><cell><xsl:value-of select="$protocol"/></cell></xsl:if>
    <xsl:if test="$differences">
      <xsl:choose>
        <xsl:when test="$ours and $published and not(ancestor::s:section/s:scale)">
          <cell value="{$ours - $published}"><xsl:call-template name="signed"><xsl:with-param name="value" select="$times * ($ours - $published)"/><xsl:with-param name="format" select="$format"/></xsl:call-template></cell>
        </xsl:when>
        <xsl:otherwise><cell>–</cell></xsl:otherwise>
      </xsl:choose>
    </xsl:if>
  </xsl:template>

  <xsl:template name="published-scaled">
    <xsl:param name="ours"/>
    <xsl:param name="published"/>
    <xsl:param name="of"/>
    <xsl:param name="differences"/>
    <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:variable name="format"><xsl:call-template name="unit-format"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:call-template name="published-cells">
      <xsl:with-param name="ours" select="$ours"/>
      <xsl:with-param name="published" select="$published"/>
      <xsl:with-param name="times" select="1 div $size"/>
      <xsl:with-param name="format" select="string($format)"/>
      <xsl:with-param name="differences" select="$differences"/>
    </xsl:call-template>
  </xsl:template>

  <!-- Scale and protocols, under every table -->

  <xsl:template name="thesis-notes">
    <xsl:param name="schedules"/>
    <xsl:param name="published" select="true()"/>
    <xsl:variable name="other" select="$schedules/parent::s:section[s:scale]"/>
    <xsl:if test="$other">
      <note mark="not the published scale: no differences">
        <xsl:text>Not the published scale, so no difference is shown: </xsl:text>
        <xsl:for-each select="$other">
          <xsl:if test="position() &gt; 1">, </xsl:if>
          <xsl:value-of select="@title"/>
        </xsl:for-each>
        <xsl:text>.</xsl:text>
      </note>
    </xsl:if>
    <xsl:if test="$schedules/s:row[@off-target or @removed-min]"><xsl:call-template name="removed-note"><xsl:with-param name="of" select="$schedules/s:row"/></xsl:call-template></xsl:if>
    <xsl:call-template name="protocol-notes"><xsl:with-param name="of" select="$schedules/s:row | $schedules/s:baseline | $schedules/*[$published]/s:published"/></xsl:call-template>
  </xsl:template>
</xsl:stylesheet>
