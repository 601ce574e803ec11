<?xml version="1.0" encoding="UTF-8"?>
<!-- Comparisons that the matrix declares: one variant against another at equal accuracy. Verdicts follow from 95 % intervals. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <!-- A table for each comparison that the matrix declares -->
  <xsl:template name="compared-tables">
    <xsl:for-each select="s:compared">
      <xsl:if test="not(preceding-sibling::s:compared[@id = current()/@id])">
        <xsl:apply-templates select="." mode="compared-table"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="s:compared" mode="compared-table">
    <xsl:variable name="rows" select="../s:compared[@id = current()/@id]"/>
    <xsl:variable name="largest" select="$rows/s:with/@params"/>
    <xsl:variable name="params"><xsl:call-template name="largest"><xsl:with-param name="of" select="$largest"/></xsl:call-template></xsl:variable>
    <xsl:variable name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:variable>
    <table name="compared.{@id}" kind="claims">
      <caption><xsl:value-of select="concat(@variant, ' against ', @with, ': parameters, and whether top-1 is equal')"/></caption>
      <column name="title" title="{@variant}"/>
      <column name="protocol" only="csv"/>
      <column name="schedule" title="Schedule"/>
      <column name="criterion" title="Criterion" only="csv"/>
      <column name="against" only="csv"/>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="removed_with" title="{@with}: removed" unit="%" align="right"/>
      <column name="top1_difference" title="Δ top-1" unit="points" align="right"/>
      <column name="top1_low" title="95 % from" unit="points" align="right"/>
      <column name="top1_high" title="to" unit="points" align="right"/>
      <column name="params" title="Params" unit="{$unit}" align="right"/>
      <column name="params_with" title="{@with}" unit="{$unit}" align="right"/>
      <column name="params_difference" title="Δ" unit="%" align="right"/>
      <column name="params_low" title="95 % from" unit="%" align="right"/>
      <column name="params_high" title="to" unit="%" align="right"/>
      <column name="head" title="Head" unit="{$unit}" align="right"/>
      <column name="head_with" title="{@with}" unit="{$unit}" align="right"/>
      <column name="trunk" title="Trunk" unit="{$unit}" align="right"/>
      <column name="trunk_with" title="{@with}" unit="{$unit}" align="right"/>
      <column name="verdict" title="At equal top-1"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="$rows">
        <row anchor="{@anchor}">
          <cell value="{@section}"><xsl:value-of select="../s:section[@id = current()/@section]/@title"/><xsl:if test="@select-on-test">†</xsl:if></cell>
          <cell><xsl:if test="@select-on-test">selection=test</xsl:if></cell>
          <cell><xsl:value-of select="@schedule"/></cell>
          <cell><xsl:value-of select="@criterion"/></cell>
          <cell><xsl:value-of select="@against"/></cell>
          <cell value="{s:variant/@removed}"><xsl:apply-templates select="s:variant" mode="removed"/></cell>
          <cell value="{s:with/@removed}"><xsl:apply-templates select="s:with" mode="removed"/><xsl:if test="@against = 'smallest-equal'"> (smallest equal)</xsl:if></cell>
          <xsl:for-each select="s:top1"><xsl:call-template name="interval-cells"/></xsl:for-each>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:variant/@params"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:with/@params"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <xsl:for-each select="s:params"><xsl:call-template name="interval-cells"/></xsl:for-each>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:variant/@params-head"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:with/@params-head"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:variant/@params-trunk"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <xsl:call-template name="amount-cell"><xsl:with-param name="value" select="s:with/@params-trunk"/><xsl:with-param name="of" select="$params"/></xsl:call-template>
          <cell value="{@verdict}"><xsl:apply-templates select="." mode="verdict"/></cell>
          <cell><xsl:value-of select="s:top1/@n"/></cell>
        </row>
      </xsl:for-each>
      <note><xsl:value-of select="concat('Differences ', @variant, ' minus ', @with, &quot;, paired by seed; 95 % intervals by Student's t, from three seeds on, without correction for the number of comparisons. Equal top-1: the interval lies inside ±&quot;, 100 * @equal-within, ' points. Smallest equal: the network of fewest parameters of ', @with, ', at any share removed, whose top-1 is equal.')"/></note>
      <xsl:if test="$rows/@select-on-test"><note mark="† selected on the test split">†: the test split chose the learning rate and the epoch; such numbers flatter.</note></xsl:if>
    </table>
  </xsl:template>

  <xsl:template match="s:compared" mode="verdict">
    <xsl:choose>
      <xsl:when test="@verdict = 'fewer'">fewer parameters</xsl:when>
      <xsl:when test="@verdict = 'more'">more parameters</xsl:when>
      <xsl:when test="@verdict = 'not-told-apart'">parameters not distinguished</xsl:when>
      <xsl:when test="@verdict = 'one-seed'">one seed decides nothing</xsl:when>
      <xsl:when test="@verdict = 'two-seeds'">two seeds decide nothing</xsl:when>
      <xsl:otherwise>top-1 not shown to be equal</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Mean and ends of the interval of the context's statistics, times 100 -->
  <xsl:template name="interval-cells">
    <cell value="{@mean}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template></cell>
    <cell value="{@low}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @low"/></xsl:call-template></cell>
    <cell value="{@high}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @high"/></xsl:call-template></cell>
  </xsl:template>
  <xsl:template name="amount-cell">
    <xsl:param name="value"/>
    <xsl:param name="of"/>
    <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:variable name="format"><xsl:call-template name="unit-format"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <cell value="{$value}"><xsl:call-template name="number"><xsl:with-param name="value" select="$value div $size"/><xsl:with-param name="format" select="string($format)"/></xsl:call-template></cell>
  </xsl:template>
</xsl:stylesheet>
