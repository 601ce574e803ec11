<?xml version="1.0" encoding="UTF-8"?>
<!-- The leaderboard of a section: all methods of a target by accuracy, each beside its layer-proportion random control. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <!-- Columns that are empty for all methods, as with one seed or without a control, are for the CSV alone. -->
  <xsl:template match="s:section" mode="leaderboard">
    <xsl:variable name="methods" select="s:leaderboard/s:method"/>
    <table name="{@id}.leaderboard" kind="leaderboard">
      <caption>
        <xsl:value-of select="concat(@title, ' · leaderboard: final top-1 on ', s:data/@test, ' test images')"/>
        <xsl:if test="$methods/@against">, and the difference to random channels in the same share of every layer</xsl:if>
        <xsl:text>; </xsl:text>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <column name="asked" title="Asked" unit="%" align="right"/>
      <column name="measure" title="of"/>
      <column name="place" title="Place" align="right">
        <xsl:if test="not($methods/@place)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="place_last" only="csv"/>
      <column name="criterion" title="Criterion"/>
      <column name="schedule" title="Schedule"/>
      <column name="protocol" only="csv"/>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="top1" title="Top-1 final" unit="%" align="right" spread="true"/>
      <column name="low" title="95 % from" unit="%" align="right">
        <xsl:if test="not($methods/@low)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="high" title="to" unit="%" align="right">
        <xsl:if test="not($methods/@high)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="control" title="Control">
        <xsl:if test="not($methods/@against)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="difference" title="Δ control" unit="points" align="right">
        <xsl:if test="not($methods/@difference)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="difference_low" title="95 % from" unit="points" align="right">
        <xsl:if test="not($methods/@difference-low)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="difference_high" title="to" unit="points" align="right">
        <xsl:if test="not($methods/@difference-high)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="p" title="p" align="right">
        <xsl:if test="not($methods/@p)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="verdict" title="Against random"/>
      <column name="scoring_seconds" title="Scoring" unit="s" align="right">
        <xsl:if test="not($methods/@scoring-seconds)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="scoring_bytes" title="Memory" unit="MB" align="right">
        <xsl:if test="not($methods/@scoring-bytes)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:leaderboard/s:method"><xsl:apply-templates select="." mode="leaderboard-row"/></xsl:for-each>
      <xsl:call-template name="places-note"/>
      <xsl:call-template name="controls-note"/>
      <xsl:if test="$methods/@scoring-seconds"><note>Scoring: seconds in which the criterion scored, all scorings of a cell together, mean over seeds. Schedules that score within a training have none.</note></xsl:if>
      <xsl:if test="$methods/@scoring-bytes"><note>Memory: how much more the cell held at once while the criterion scored than before, calibration images and the engine that runs them included; the scoring of a cell that took most, mean over seeds.</note></xsl:if>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <xsl:template match="s:method" mode="leaderboard-row">
    <xsl:variable name="schedule" select="../../s:schedule[@id = current()/@schedule]"/>
    <xsl:variable name="row" select="$schedule/s:row[@criterion = current()/@criterion and @target = current()/../@target and @measure = current()/../@measure]"/>
    <row anchor="{$row/@anchor}">
      <xsl:if test="not(preceding-sibling::s:method)"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
      <cell value="{../@amount}">
        <xsl:if test="preceding-sibling::s:method"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
        <xsl:apply-templates select=".." mode="asked"/>
      </cell>
      <cell value="{../@measure}">
        <xsl:if test="preceding-sibling::s:method"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
        <xsl:value-of select="../@measure"/>
      </cell>
      <cell value="{@place}">
        <xsl:choose>
          <xsl:when test="not(@place)">–</xsl:when>
          <xsl:when test="@place = @place-last"><xsl:value-of select="@place"/></xsl:when>
          <xsl:otherwise><xsl:value-of select="concat(@place, ' to ', @place-last)"/></xsl:otherwise>
        </xsl:choose>
      </cell>
      <cell value="{@place-last}"/>
      <cell value="{@criterion}"><xsl:apply-templates select="$row" mode="criterion"/></cell>
      <cell><xsl:value-of select="$schedule/@label"/></cell>
      <cell><xsl:apply-templates select="$row" mode="protocol"/></cell>
      <cell value="{$row/@removed}"><xsl:apply-templates select="$row" mode="removed"/></cell>
      <xsl:apply-templates select="$row" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'final'"/></xsl:apply-templates>
      <cell value="{@low}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @low"/></xsl:call-template></cell>
      <cell value="{@high}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @high"/></xsl:call-template></cell>
      <cell value="{@against}"><xsl:value-of select="@against"/><xsl:if test="not(@against)">–</xsl:if></cell>
      <cell value="{@difference}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @difference"/></xsl:call-template></cell>
      <cell value="{@difference-low}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @difference-low"/></xsl:call-template></cell>
      <cell value="{@difference-high}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @difference-high"/></xsl:call-template></cell>
      <cell value="{@p}">
        <xsl:choose>
          <xsl:when test="not(@p)">–</xsl:when>
          <xsl:when test="@p &lt; 0.001">&lt; 0.001</xsl:when>
          <xsl:otherwise><xsl:value-of select="format-number(@p, '0.000')"/></xsl:otherwise>
        </xsl:choose>
      </cell>
      <cell value="{@verdict}"><xsl:apply-templates select="." mode="leaderboard-verdict"/></cell>
      <cell value="{@scoring-seconds}"><xsl:call-template name="number"><xsl:with-param name="value" select="@scoring-seconds"/><xsl:with-param name="format" select="'0.00'"/></xsl:call-template></cell>
      <cell value="{@scoring-bytes}"><xsl:call-template name="number"><xsl:with-param name="value" select="@scoring-bytes div 1000000"/><xsl:with-param name="format" select="'0.0'"/></xsl:call-template></cell>
      <cell><xsl:value-of select="@n"/></cell>
    </row>
  </xsl:template>

  <xsl:template match="s:method" mode="leaderboard-verdict">
    <xsl:choose>
      <xsl:when test="@verdict = 'better'">better</xsl:when>
      <xsl:when test="@verdict = 'worse'">worse</xsl:when>
      <xsl:when test="@verdict = 'same'">not distinguished</xsl:when>
      <xsl:when test="@verdict = 'control'">a random control itself</xsl:when>
      <xsl:when test="@verdict = 'collapsed'">collapsed</xsl:when>
      <xsl:when test="@verdict = 'no-control'">no such control was run</xsl:when>
      <xsl:when test="@verdict = 'control-collapsed'">the control collapsed</xsl:when>
      <xsl:when test="@verdict = 'few-seeds' and @n = 1">one seed decides nothing</xsl:when>
      <xsl:when test="@verdict = 'few-seeds'">fewer than three common seeds decide nothing</xsl:when>
      <xsl:when test="@verdict = 'unlike'">the control removed another share</xsl:when>
      <xsl:otherwise>seeds allow no test</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="places-note">
    <xsl:variable name="ranked" select="s:leaderboard[@verdict = 'ranked']"/>
    <xsl:variable name="others" select="s:leaderboard[@verdict != 'ranked']"/>
    <note key="true">
      <xsl:if test="$ranked">Place: one more than the methods of the same target that are distinguished as better, to the number of methods less those distinguished as worse. Methods that cannot be distinguished share a place.<xsl:text> </xsl:text></xsl:if>
      <xsl:if test="$others">
        <xsl:choose>
          <xsl:when test="not($others[@verdict != 'one-seed'])">Where all have one seed there are no intervals and no places: one seed decides nothing.</xsl:when>
          <xsl:when test="not($others[@verdict != 'two-seeds'])">Where none has three seeds there are no intervals and no places: two seeds decide nothing.</xsl:when>
          <xsl:otherwise>Where no place is given, no two methods of the target could be tested: that takes three common seeds each.</xsl:otherwise>
        </xsl:choose>
      </xsl:if>
    </note>
    <xsl:if test="$ranked">
      <note>
        <xsl:text>Distinguished: t test paired by seed, p of all pairs of the target corrected by Holm, at most 0.05. How much a difference varies is taken from all rows of the target with three seeds or more that have not collapsed, after the means of each method and of each seed are subtracted. Standard deviation, in points:</xsl:text>
        <xsl:for-each select="s:leaderboard[@sd]">
          <xsl:value-of select="concat(' ', format-number(100 * @sd, '0.00'), ' at ')"/>
          <xsl:apply-templates select="." mode="asked"/>
          <xsl:if test="not(@measure = 'threshold' or @measure = 'gap')"><xsl:value-of select="concat(' % of ', @measure)"/></xsl:if>
          <xsl:value-of select="concat(' (', @freedom, ' degrees of freedom)')"/>
          <xsl:choose>
            <xsl:when test="position() = last()">.</xsl:when>
            <xsl:otherwise>,</xsl:otherwise>
          </xsl:choose>
        </xsl:for-each>
      </note>
    </xsl:if>
  </xsl:template>

  <xsl:template name="controls-note">
    <note>
      <xsl:choose>
        <xsl:when test="s:leaderboard/s:method/@against">Control: under the same schedule, the same criterion with permuted masks (as many channels of each layer as it removes, chosen at random), else random channels in the same share of every layer. Δ control: final top-1 minus the control's, paired by seed, with its own 95 % interval; p: of no difference, corrected by Holm over the methods of the target.</xsl:when>
        <xsl:otherwise>No layer-proportion control was run: a random criterion with scope="layer", or the same criterion with permute="true". Whether a method beats random channels is not known.</xsl:otherwise>
      </xsl:choose>
    </note>
  </xsl:template>
</xsl:stylesheet>
