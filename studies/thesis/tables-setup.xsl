<?xml version="1.0" encoding="UTF-8"?>
<!-- The published tables about the experiment itself: data sets, settings, and the networks without pruning. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <!-- 4.1: data sets -->

  <xsl:template name="thesis-data">
    <table name="thesis.4-1.data" kind="published">
      <caption>4.1 Data sets: classes, images, sizes, images per class</caption>
      <column name="dataset" title="Data set"/>
      <column name="classes" title="Classes" align="right"/>
      <column name="classes_published" title="publ." align="right"/>
      <column name="train" title="Train" align="right"/>
      <column name="train_published" title="publ." align="right"/>
      <column name="test" title="Test" align="right"/>
      <column name="test_published" title="publ." align="right"/>
      <column name="width" title="Width" unit="px" align="right"/>
      <column name="height" title="Height" unit="px" align="right"/>
      <column name="train_per_class" title="Train per class" align="right"/>
      <column name="test_per_class" title="Test per class" align="right"/>
      <xsl:for-each select="s:section[not(@dataset = preceding-sibling::s:section/@dataset)]">
        <xsl:variable name="published" select="(../s:section[@dataset = current()/@dataset]/s:data-published)[1]"/>
        <row anchor="{s:schedule/s:row/@anchor}">
          <cell><xsl:value-of select="@dataset"/></cell>
          <cell><xsl:value-of select="s:data/@classes"/></cell>
          <cell><xsl:call-template name="number"><xsl:with-param name="value" select="$published/@classes"/><xsl:with-param name="format" select="'0'"/></xsl:call-template></cell>
          <cell><xsl:value-of select="s:data/@train + s:data/@validation"/></cell>
          <cell><xsl:call-template name="number"><xsl:with-param name="value" select="$published/@train"/><xsl:with-param name="format" select="'0'"/></xsl:call-template></cell>
          <cell><xsl:value-of select="s:data/@test"/></cell>
          <cell><xsl:call-template name="number"><xsl:with-param name="value" select="$published/@test"/><xsl:with-param name="format" select="'0'"/></xsl:call-template></cell>
          <cell><xsl:call-template name="range"><xsl:with-param name="of" select="s:data/@width"/></xsl:call-template></cell>
          <cell><xsl:call-template name="range"><xsl:with-param name="of" select="s:data/@height"/></xsl:call-template></cell>
          <cell><xsl:call-template name="range"><xsl:with-param name="of" select="s:data/@train-per-class"/></xsl:call-template></cell>
          <cell><xsl:call-template name="range"><xsl:with-param name="of" select="s:data/@test-per-class"/></xsl:call-template></cell>
        </row>
      </xsl:for-each>
      <note>Sizes and images per class: smallest / median / largest. Train: with the images that were set aside for validation.</note>
    </table>
  </xsl:template>
  <!-- "320 / 500 / 640", or "30" where all three are the same -->
  <xsl:template name="range">
    <xsl:param name="of"/>
    <xsl:variable name="low" select="substring-before($of, ' ')"/>
    <xsl:variable name="high" select="substring-after(substring-after($of, ' '), ' ')"/>
    <xsl:choose>
      <xsl:when test="not(string($of))">–</xsl:when>
      <xsl:when test="$low = $high"><xsl:value-of select="$low"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="concat($low, ' / ', substring-before(substring-after($of, ' '), ' '), ' / ', $high)"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- 4.2: settings -->

  <xsl:template name="thesis-settings">
    <table name="thesis.4-2.settings" kind="published">
      <caption>4.2 Settings of training, by data set, schedule and share asked for</caption>
      <column name="title" title="Data set"/>
      <column name="protocol" only="csv"/>
      <column name="schedule" title="Training"/>
      <column name="asked" title="Asked" unit="%" align="right"/>
      <column name="epochs" title="Epochs" align="right"/>
      <column name="epochs_published" title="publ." align="right"/>
      <column name="lr" title="Rate" align="right"/>
      <column name="lr_published" title="publ." align="right"/>
      <column name="lr_policy" title="Policy"/>
      <column name="lambda" title="λ" align="right"/>
      <column name="lambda_published" title="publ." align="right"/>
      <column name="lambda_last" title="λ last" align="right"/>
      <column name="lambda_last_published" title="publ." align="right"/>
      <column name="weight_decay" title="Decay" align="right"/>
      <column name="momentum" title="Momentum" align="right"/>
      <column name="batch" title="Batch" align="right"/>
      <xsl:for-each select="$studied">
        <xsl:variable name="first" select="s:schedule[1]"/>
        <xsl:call-template name="settings-row">
          <xsl:with-param name="settings" select="$first/s:row[1]/s:training"/>
          <xsl:with-param name="published" select="$first/s:baseline/s:published"/>
          <xsl:with-param name="batch" select="$first/s:row[1]/s:training/s:setting[@name = 'batch']/@value"/>
          <xsl:with-param name="what" select="'unpruned'"/>
          <xsl:with-param name="row" select="$first/s:baseline"/>
          <xsl:with-param name="first" select="true()"/>
        </xsl:call-template>
        <xsl:for-each select="s:schedule/s:row[not(preceding-sibling::s:row/@target = @target)]">
          <xsl:call-template name="settings-row">
            <xsl:with-param name="settings" select="s:retraining"/>
            <xsl:with-param name="published" select="s:published"/>
            <xsl:with-param name="batch" select="s:training/s:setting[@name = 'batch']/@value"/>
            <xsl:with-param name="what" select="../@label"/>
            <xsl:with-param name="row" select="."/>
            <xsl:with-param name="removed" select="@amount"/>
          </xsl:call-template>
        </xsl:for-each>
      </xsl:for-each>
      <note>As the cells resolved them; publ.: published, where it is known. Rate: at the start. λ: penalty on |γ| of every batch norm; λ last: on the last one of the trunk.</note>
      <xsl:call-template name="protocol-notes"><xsl:with-param name="of" select="$studied/s:schedule/s:row | $studied/s:schedule/s:baseline"/></xsl:call-template>
    </table>
  </xsl:template>
  <xsl:template name="settings-row">
    <xsl:param name="settings"/>
    <xsl:param name="published"/>
    <xsl:param name="batch"/>
    <xsl:param name="what"/>
    <xsl:param name="row"/>
    <xsl:param name="removed" select="0"/>
    <xsl:param name="first" select="false()"/>
    <row anchor="{$row/@anchor}">
      <xsl:if test="$first"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
      <cell>
        <xsl:if test="not($first)"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
        <xsl:value-of select="ancestor-or-self::s:section/@title"/>
      </cell>
      <cell><xsl:apply-templates select="$row" mode="protocol"/></cell>
      <cell value="{$what}"><xsl:value-of select="$what"/><xsl:apply-templates select="$row" mode="mark"/></cell>
      <cell value="{$removed}"><xsl:value-of select="format-number(100 * $removed, '0.#')"/></cell>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'epochs']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$published/s:setting[@name = 'epochs']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'lr']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$published/s:setting[@name = 'lr']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'lr-policy']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'lambda']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$published/s:setting[@name = 'lambda']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'lambda-last']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$published/s:setting[@name = 'lambda-last']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'weight-decay']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$settings/s:setting[@name = 'momentum']/@value"/></xsl:call-template>
      <xsl:call-template name="setting"><xsl:with-param name="value" select="$batch"/></xsl:call-template>
    </row>
  </xsl:template>
  <xsl:template name="setting">
    <xsl:param name="value"/>
    <cell>
      <xsl:value-of select="$value"/>
      <xsl:if test="not(string($value))">–</xsl:if>
    </cell>
  </xsl:template>

  <!-- 4.3: the networks without pruning, side by side -->

  <xsl:template name="thesis-ablation">
    <xsl:variable name="plain" select="s:section[@variant != 'heavier' and s:schedule/s:baseline/s:value[@name = 'top1']]"/>
    <xsl:variable name="datasets" select="$plain[not(@dataset = preceding-sibling::s:section[@variant != 'heavier' and s:schedule/s:baseline/s:value[@name = 'top1']]/@dataset)]"/>
    <xsl:variable name="differences" select="$plain[not(s:scale) and s:data-published]"/>
    <table name="thesis.4-3.ablation" kind="published">
      <caption>4.3 Networks without pruning: top-1 on the test images</caption>
      <column name="network" title="Network"/>
      <column name="what" title="What it is"/>
      <xsl:for-each select="$datasets">
        <column name="{@dataset}_top1" title="{@dataset}" unit="%" align="right" spread="true"/>
        <column name="{@dataset}_protocol" only="csv"/>
        <column name="{@dataset}_published" title="publ." unit="%" align="right"/>
        <column name="{@dataset}_protocol_published" only="csv"/>
        <xsl:if test="$differences"><column name="{@dataset}_difference" title="Δ" unit="points" align="right"/></xsl:if>
      </xsl:for-each>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="$plain">
        <xsl:variable name="section" select="."/>
        <xsl:if test="not($plain[@model = $section/@model and @variant = $section/@variant and @backend = $section/@backend and count(preceding-sibling::s:section) &lt; count($section/preceding-sibling::s:section)])">
          <row anchor="{s:schedule/s:row/@anchor}">
            <cell>
              <xsl:value-of select="@model"/>
              <xsl:if test="$plain[@variant != $section/@variant] and string(@variant)"><xsl:value-of select="concat(' · ', @variant)"/></xsl:if>
              <xsl:if test="$plain[@backend != $section/@backend]"><xsl:value-of select="concat(' · ', @backend)"/></xsl:if>
            </cell>
            <cell>
              <xsl:value-of select="concat(@head, ' head, ', substring('without ', 1, 8 * (@batch-norm = 'false')), 'batch norm, ')"/>
              <xsl:choose><xsl:when test="@pretrained = 'true'">pretrained</xsl:when><xsl:otherwise>from scratch</xsl:otherwise></xsl:choose>
            </cell>
            <xsl:for-each select="$datasets">
              <xsl:variable name="cell" select="$plain[@dataset = current()/@dataset and @model = $section/@model and @variant = $section/@variant and @backend = $section/@backend]"/>
              <xsl:call-template name="ablation-cells">
                <xsl:with-param name="baseline" select="$cell/s:schedule/s:baseline[s:value[@name = 'top1' and @stage = 'base']]"/>
                <xsl:with-param name="differences" select="$differences"/>
              </xsl:call-template>
            </xsl:for-each>
            <cell><xsl:value-of select="s:schedule[s:baseline/s:value][1]/s:baseline/@n"/></cell>
          </row>
        </xsl:if>
      </xsl:for-each>
      <note>±: standard deviation over seeds. publ.: published.<xsl:if test="$differences"> Δ: ours minus published.</xsl:if></note>
      <xsl:call-template name="thesis-notes"><xsl:with-param name="schedules" select="$plain/s:schedule[1]"/></xsl:call-template>
    </table>
  </xsl:template>
  <!-- The same unpruned network is in every schedule of a section: the first that has most seeds -->
  <xsl:template name="ablation-cells">
    <xsl:param name="baseline"/>
    <xsl:param name="differences"/>
    <xsl:choose>
      <xsl:when test="not($baseline)">
        <cell>–</cell>
        <cell/>
        <cell>–</cell>
        <cell/>
        <xsl:if test="$differences"><cell>–</cell></xsl:if>
      </xsl:when>
      <xsl:otherwise>
        <xsl:for-each select="$baseline">
          <xsl:sort select="@n" data-type="number" order="descending"/>
          <xsl:if test="position() = 1">
            <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="mark" select="true()"/></xsl:apply-templates>
            <cell><xsl:apply-templates select="." mode="protocol"/></cell>
            <xsl:call-template name="published-cells">
              <xsl:with-param name="ours" select="s:value[@name = 'top1' and @stage = 'base']/@mean"/>
              <xsl:with-param name="published" select="s:published/@top1"/>
              <xsl:with-param name="times" select="100"/>
              <xsl:with-param name="format" select="'0.00'"/>
              <xsl:with-param name="differences" select="$differences"/>
              <xsl:with-param name="mark"><xsl:apply-templates select="s:published" mode="mark"/></xsl:with-param>
              <xsl:with-param name="protocol"><xsl:apply-templates select="s:published" mode="protocol"/></xsl:with-param>
            </xsl:call-template>
          </xsl:if>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
