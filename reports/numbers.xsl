<?xml version="1.0" encoding="UTF-8"?>
<!-- Values of the summary as table cells, and the phrases that go with them: seeds, measures, marks. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <!-- A number, or a dash where there is none -->
  <xsl:template name="number">
    <xsl:param name="value"/>
    <xsl:param name="format" select="'0.0'"/>
    <xsl:choose>
      <xsl:when test="string(number($value)) = 'NaN'">–</xsl:when>
      <xsl:otherwise>
        <xsl:variable name="text" select="format-number($value, $format)"/>
        <xsl:choose>
          <xsl:when test="starts-with($text, '-') and number($text) = 0"><xsl:value-of select="substring($text, 2)"/></xsl:when>
          <xsl:otherwise><xsl:value-of select="translate($text, '-', '−')"/></xsl:otherwise>
        </xsl:choose>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="signed">
    <xsl:param name="value"/>
    <xsl:param name="format" select="'0.0'"/>
    <xsl:if test="number(format-number($value, $format)) &gt; 0">+</xsl:if>
    <xsl:call-template name="number"><xsl:with-param name="value" select="$value"/><xsl:with-param name="format" select="$format"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="largest">
    <xsl:param name="of"/>
    <xsl:for-each select="$of">
      <xsl:sort select="." data-type="number" order="descending"/>
      <xsl:if test="position() = 1"><xsl:value-of select="."/></xsl:if>
    </xsl:for-each>
    <xsl:if test="not($of)">1</xsl:if>
  </xsl:template>

  <!-- The prefix in which a column whose largest value is $of reads well, and what it means -->
  <xsl:template name="unit">
    <xsl:param name="of"/>
    <xsl:choose>
      <xsl:when test="$of &gt;= 1000000000">G</xsl:when>
      <xsl:when test="$of &gt;= 1000000">M</xsl:when>
      <xsl:when test="$of &gt;= 1000">k</xsl:when>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="unit-size">
    <xsl:param name="of"/>
    <xsl:choose>
      <xsl:when test="$of &gt;= 1000000000">1000000000</xsl:when>
      <xsl:when test="$of &gt;= 1000000">1000000</xsl:when>
      <xsl:when test="$of &gt;= 1000">1000</xsl:when>
      <xsl:otherwise>1</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="unit-format">
    <xsl:param name="of"/>
    <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:choose>
      <xsl:when test="$of div $size &gt;= 100">0.0</xsl:when>
      <xsl:when test="$of div $size &gt;= 10">0.00</xsl:when>
      <xsl:otherwise>0.000</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- A cell with mean ± sd of a value, multiplied by $times; exact values show no spread where all seeds agree -->
  <xsl:template name="spread-cell">
    <xsl:param name="value"/>
    <xsl:param name="times" select="1"/>
    <xsl:param name="format" select="'0.0'"/>
    <xsl:param name="signed" select="false()"/>
    <xsl:param name="best" select="false()"/>
    <xsl:param name="mark"/>
    <xsl:param name="exact" select="false()"/>
    <cell>
      <xsl:if test="$value">
        <xsl:attribute name="value"><xsl:value-of select="$value/@mean"/></xsl:attribute>
        <xsl:if test="$value/@sd"><xsl:attribute name="sd"><xsl:value-of select="$value/@sd"/></xsl:attribute></xsl:if>
        <xsl:attribute name="n"><xsl:value-of select="$value/@n"/></xsl:attribute>
        <xsl:copy-of select="$value/../@anchor"/>
        <xsl:if test="$best and $value/../@best"><xsl:attribute name="best">true</xsl:attribute></xsl:if>
      </xsl:if>
      <xsl:choose>
        <xsl:when test="not($value) and $best and self::s:row[@n = 0]"><xsl:value-of select="key('cell', @anchor)/@status"/></xsl:when>
        <xsl:when test="not($value)">–</xsl:when>
        <xsl:when test="$signed">
          <xsl:call-template name="signed"><xsl:with-param name="value" select="$times * $value/@mean"/><xsl:with-param name="format" select="$format"/></xsl:call-template>
        </xsl:when>
        <xsl:otherwise>
          <xsl:call-template name="number"><xsl:with-param name="value" select="$times * $value/@mean"/><xsl:with-param name="format" select="$format"/></xsl:call-template>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:if test="$value/@sd and not($exact and $value/@sd = 0)">
        <xsl:text> ± </xsl:text>
        <xsl:value-of select="format-number($times * $value/@sd, $format)"/>
      </xsl:if>
      <xsl:value-of select="$mark"/>
    </cell>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="percent">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:param name="signed" select="false()"/>
    <xsl:param name="best" select="false()"/>
    <xsl:param name="mark" select="false()"/>
    <xsl:param name="at"/>
    <xsl:call-template name="spread-cell">
      <xsl:with-param name="value" select="s:value[@name = $name and @stage = $stage]"/>
      <xsl:with-param name="times" select="100"/>
      <xsl:with-param name="signed" select="$signed"/>
      <xsl:with-param name="best" select="$best"/>
      <xsl:with-param name="mark"><xsl:if test="$mark"><xsl:apply-templates select="." mode="mark"/></xsl:if><xsl:value-of select="$at"/></xsl:with-param>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="scaled">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:param name="of"/>
    <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:variable name="format"><xsl:call-template name="unit-format"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:call-template name="spread-cell">
      <xsl:with-param name="value" select="s:value[@name = $name and @stage = $stage]"/>
      <xsl:with-param name="times" select="1 div $size"/>
      <xsl:with-param name="format" select="string($format)"/>
      <xsl:with-param name="exact" select="true()"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="plain">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:param name="batch"/>
    <xsl:variable name="value" select="s:value[@name = $name and @stage = $stage and @batch = $batch]"/>
    <xsl:call-template name="spread-cell">
      <xsl:with-param name="value" select="$value"/>
      <xsl:with-param name="format" select="'0.00'"/>
      <xsl:with-param name="exact" select="true()"/>
      <xsl:with-param name="mark"><xsl:if test="$value/@noisy">§</xsl:if></xsl:with-param>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="s:row | s:baseline" mode="image-error">
    <xsl:param name="stage"/>
    <xsl:variable name="value" select="s:value[@name = 'top1' and @stage = $stage]/@image-error"/>
    <cell value="{$value}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * $value"/></xsl:call-template></cell>
  </xsl:template>

  <!-- Means alone -->
  <xsl:template match="s:row | s:baseline" mode="mean-percent">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:variable name="mean" select="s:value[@name = $name and @stage = $stage]/@mean"/>
    <cell value="{$mean}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * $mean"/></xsl:call-template></cell>
  </xsl:template>
  <xsl:template match="s:row | s:baseline" mode="mean-scaled">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:param name="of"/>
    <xsl:variable name="mean" select="s:value[@name = $name and @stage = $stage]/@mean"/>
    <xsl:variable name="size"><xsl:call-template name="unit-size"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <xsl:variable name="format"><xsl:call-template name="unit-format"><xsl:with-param name="of" select="$of"/></xsl:call-template></xsl:variable>
    <cell value="{$mean}"><xsl:call-template name="number"><xsl:with-param name="value" select="$mean div $size"/><xsl:with-param name="format" select="string($format)"/></xsl:call-template></cell>
  </xsl:template>
  <xsl:template match="s:row | s:baseline" mode="mean-plain">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:param name="batch"/>
    <xsl:variable name="mean" select="s:value[@name = $name and @stage = $stage and @batch = $batch]/@mean"/>
    <cell value="{$mean}"><xsl:call-template name="number"><xsl:with-param name="value" select="$mean"/><xsl:with-param name="format" select="'0.00'"/></xsl:call-template></cell>
  </xsl:template>
  <xsl:template match="s:row | s:baseline" mode="mean-count">
    <xsl:param name="name"/>
    <xsl:param name="stage"/>
    <xsl:variable name="mean" select="s:value[@name = $name and @stage = $stage]/@mean"/>
    <cell value="{$mean}"><xsl:call-template name="number"><xsl:with-param name="value" select="$mean"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></cell>
  </xsl:template>

  <!-- "n = 3 seeds", "n = 1 to 3 seeds (some cells failed)" -->
  <xsl:template match="s:schedule | s:section" mode="seeds">
    <xsl:variable name="all" select="self::s:schedule/s:row | self::s:section/s:schedule/s:row"/>
    <xsl:variable name="rows" select="$all[@n &gt; 0]"/>
    <xsl:variable name="low">
      <xsl:for-each select="$rows"><xsl:sort select="@n" data-type="number"/><xsl:if test="position() = 1"><xsl:value-of select="@n"/></xsl:if></xsl:for-each>
    </xsl:variable>
    <xsl:variable name="high">
      <xsl:for-each select="$rows"><xsl:sort select="@n" data-type="number" order="descending"/><xsl:if test="position() = 1"><xsl:value-of select="@n"/></xsl:if></xsl:for-each>
    </xsl:variable>
    <xsl:text>n = </xsl:text>
    <xsl:if test="not($rows)">0</xsl:if>
    <xsl:if test="$low != $high"><xsl:value-of select="concat($low, ' to ')"/></xsl:if>
    <xsl:value-of select="$high"/>
    <xsl:choose>
      <xsl:when test="$high = 1"> seed</xsl:when>
      <xsl:otherwise> seeds</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="$all[@n &lt; @cells]"> (some cells failed)</xsl:if>
  </xsl:template>

  <!-- The share that is gone: "39.9", "31.2 (0 to 47)" where seeds differ, a dash where it is not known -->
  <xsl:template match="s:row | s:gamma-change | s:variant | s:with" mode="removed">
    <xsl:choose>
      <xsl:when test="@removed"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @removed"/><xsl:with-param name="format" select="'0.#'"/></xsl:call-template></xsl:when>
      <xsl:when test="@amount &gt; 0">–</xsl:when>
      <xsl:otherwise>0</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="@removed-min"><xsl:value-of select="concat(' (', format-number(100 * @removed-min, '0.#'), ' to ', format-number(100 * @removed-max, '0.#'), ')')"/></xsl:if>
  </xsl:template>
  <!-- What was asked for: a share in per cent, "score &lt; 0.01", "gap, bins of 0.01" -->
  <xsl:template match="*" mode="asked">
    <xsl:choose>
      <xsl:when test="@measure = 'threshold'"><xsl:value-of select="concat('score &lt; ', @amount)"/></xsl:when>
      <xsl:when test="@measure = 'gap'"><xsl:value-of select="concat('gap, bins of ', @amount)"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="format-number(100 * @amount, '0.#')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <!-- The same in a sentence: "39.9 %", "31.2 % (0 to 47 % over seeds, 40 % asked)" -->
  <xsl:template match="s:row | s:gamma-change | s:variant | s:with" mode="share">
    <xsl:choose>
      <xsl:when test="@removed"><xsl:value-of select="concat(format-number(100 * @removed, '0.#'), ' %')"/></xsl:when>
      <xsl:when test="@amount &gt; 0">an unknown share</xsl:when>
      <xsl:otherwise>0 %</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="@removed-min or @off-target">
      <xsl:text> (</xsl:text>
      <xsl:if test="@removed-min"><xsl:value-of select="concat(format-number(100 * @removed-min, '0.#'), ' to ', format-number(100 * @removed-max, '0.#'), ' % over seeds')"/></xsl:if>
      <xsl:if test="@removed-min and @off-target">, </xsl:if>
      <xsl:if test="@off-target"><xsl:apply-templates select="." mode="asked"/><xsl:if test="not(@measure = 'threshold' or @measure = 'gap')"> %</xsl:if> asked</xsl:if>
      <xsl:text>)</xsl:text>
    </xsl:if>
  </xsl:template>
  <!-- The same as a number: the amount asked for where whole channels met it, nothing where it is not known -->
  <xsl:template match="s:row" mode="share-number">
    <xsl:choose>
      <xsl:when test="@removed and not(@off-target)"><xsl:value-of select="@amount"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="@removed"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The two columns of what was removed and what was asked for; the second shows only where rows of $of differ in it -->
  <xsl:template name="removed-columns">
    <xsl:param name="of"/>
    <column name="removed" title="Removed" unit="%" align="right"/>
    <column name="asked" title="Asked" unit="%" align="right">
      <xsl:if test="not($of/@off-target)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
    </column>
  </xsl:template>
  <xsl:template match="s:baseline" mode="removed-cells">
    <xsl:param name="mark"/>
    <cell value="0">0<xsl:value-of select="$mark"/></cell>
    <cell value="0">0</cell>
  </xsl:template>
  <xsl:template match="s:row" mode="removed-cells">
    <xsl:param name="mark"/>
    <xsl:param name="repeated" select="false()"/>
    <cell value="{@removed}">
      <xsl:if test="not(@removed) and not(@amount &gt; 0)"><xsl:attribute name="value">0</xsl:attribute></xsl:if>
      <xsl:if test="$repeated"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
      <xsl:apply-templates select="." mode="removed"/>
      <xsl:value-of select="$mark"/>
    </cell>
    <cell value="{@amount}">
      <xsl:if test="$repeated"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
      <xsl:apply-templates select="." mode="asked"/>
    </cell>
  </xsl:template>
  <xsl:template name="removed-note">
    <xsl:param name="of"/>
    <note key="true">
      <xsl:text>Removed: the share of what the target counts that is gone, mean over the seeds of one target</xsl:text>
      <xsl:if test="$of/@removed-min"> (in brackets its range, where seeds differ by more than one channel)</xsl:if>
      <xsl:text>.</xsl:text>
      <xsl:if test="$of/@off-target"> Asked: the target; rows differ from it by more than one channel.</xsl:if>
      <xsl:if test="$of[@off-target and not(@removed)]"> –: the document does not say what was removed.</xsl:if>
    </note>
  </xsl:template>

  <!-- Where differences to the unpruned network are missing, and why -->
  <xsl:template match="s:schedule | s:section" mode="baseline-note">
    <xsl:variable name="rows" select="self::s:schedule/s:row[@n &gt; 0] | self::s:section/s:schedule/s:row[@n &gt; 0]"/>
    <xsl:choose>
      <xsl:when test="not($rows/@without-baseline)"/>
      <xsl:when test="not($rows[not(@without-baseline)])">There is no baseline: these cells have no unpruned network trained in full, so no difference to it is shown.</xsl:when>
      <xsl:otherwise>Some rows have no baseline: their cells, or some of them, have no unpruned network trained in full, so they show no difference to it.</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="noise-note">
    <xsl:param name="of"/>
    <xsl:if test="$of/s:value/@noisy">
      <note key="true" mark="§ repeated measurements differ too much">§: repeated measurements differ too much, as on a busy machine; such a latency enters no speed-up, no figure and no finding.</note>
    </xsl:if>
  </xsl:template>

  <!-- "NAME: not the published scale (image size 48 instead of 224, …), so no difference is shown." -->
  <xsl:template match="s:section" mode="scale">
    <xsl:value-of select="concat(@title, ': not the published scale (')"/>
    <xsl:for-each select="s:scale">
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="concat(@what, ' ', @ours, ' instead of ', @published)"/>
    </xsl:for-each>
    <xsl:text>), so no difference is shown.</xsl:text>
  </xsl:template>

  <!-- What the targets count -->
  <xsl:template match="s:schedule" mode="measure">
    <xsl:choose>
      <xsl:when test="s:row/@measure != s:row/@measure">the target's measure</xsl:when>
      <xsl:otherwise><xsl:call-template name="counted"><xsl:with-param name="measure" select="s:row[1]/@measure"/></xsl:call-template></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <!-- A threshold counts the channels below it -->
  <xsl:template name="counted">
    <xsl:param name="measure"/>
    <xsl:choose>
      <xsl:when test="$measure = 'params'">parameters</xsl:when>
      <xsl:when test="$measure = 'macs'">MACs</xsl:when>
      <xsl:when test="$measure = 'weights'">single weights</xsl:when>
      <xsl:otherwise>channels</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template match="s:schedule" mode="removed">
    <xsl:choose>
      <xsl:when test="not(s:row[not(@measure = 'weights')])">masked</xsl:when>
      <xsl:when test="s:row/@measure = 'weights'">removed or masked</xsl:when>
      <xsl:otherwise>removed</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Columns of networks with masks on single weights, beside those of the whole network; nothing where there are none -->
  <!-- in: the schedule or section whose rows the table has -->
  <xsl:key name="nonzero" match="s:row/s:value[@name = 'nonzero-params']" use="generate-id(../..)"/>
  <xsl:key name="nonzero" match="s:row/s:value[@name = 'nonzero-params']" use="generate-id(../../..)"/>
  <xsl:template name="nonzero-columns">
    <xsl:param name="in"/>
    <xsl:param name="params"/>
    <xsl:param name="macs"/>
    <xsl:if test="key('nonzero', generate-id($in))">
      <column name="nonzero_params" title="Non-zero params" align="right">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:attribute>
      </column>
      <column name="nonzero_macs" title="Non-zero MACs" align="right">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:attribute>
      </column>
    </xsl:if>
  </xsl:template>
  <xsl:template name="nonzero-cells">
    <xsl:param name="in"/>
    <xsl:param name="stage"/>
    <xsl:param name="params"/>
    <xsl:param name="macs"/>
    <xsl:if test="key('nonzero', generate-id($in))">
      <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'nonzero-params'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
      <xsl:apply-templates select="." mode="mean-scaled"><xsl:with-param name="name" select="'nonzero-macs'"/><xsl:with-param name="stage" select="$stage"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
    </xsl:if>
  </xsl:template>
  <xsl:template name="nonzero-note">
    <xsl:param name="in"/>
    <xsl:if test="key('nonzero', generate-id($in))">
      <note>Non-zero: without masked weights and their MACs. Params, MACs and latency are those of the whole network: masked weights are stored and multiplied as zeros.</note>
    </xsl:if>
  </xsl:template>

  <!-- Weaker protocols are marked wherever their numbers show -->
  <xsl:template match="s:row | s:baseline | s:published" mode="mark">
    <xsl:if test="@select-on-test">†</xsl:if>
    <xsl:if test="@zero-gamma-beta">‡</xsl:if>
  </xsl:template>
  <!-- The same as words, for data files -->
  <xsl:template match="s:row | s:baseline | s:published" mode="protocol">
    <xsl:if test="@select-on-test">selection=test</xsl:if>
    <xsl:if test="@select-on-test and @zero-gamma-beta"><xsl:text> </xsl:text></xsl:if>
    <xsl:if test="@zero-gamma-beta">zero=gamma-beta</xsl:if>
  </xsl:template>
  <xsl:template match="s:row" mode="criterion">
    <xsl:value-of select="@criterion"/>
    <xsl:apply-templates select="." mode="mark"/>
  </xsl:template>
  <xsl:template match="s:schedule | s:section" mode="marks">
    <xsl:call-template name="protocol-notes">
      <xsl:with-param name="of" select="s:row | s:baseline | s:schedule/s:row | s:schedule/s:baseline"/>
    </xsl:call-template>
  </xsl:template>
  <!-- What the marks of some rows, baselines and published numbers mean -->
  <xsl:template name="protocol-notes">
    <xsl:param name="of"/>
    <xsl:if test="$of/@select-on-test">
      <note key="true" mark="† selected on the test split">†: the test split chose the learning rate and the epoch; such numbers flatter.</note>
    </xsl:if>
    <xsl:if test="$of/@zero-gamma-beta">
      <note key="true" mark="‡ soft pruning zeroed γ and β">‡: soft pruning zeroed γ and β, so that a channel can come back only through momentum.</note>
    </xsl:if>
  </xsl:template>

  <!-- One seed: what is known about the error -->
  <xsl:template name="image-note">
    <xsl:variable name="error" select="s:baseline/s:value[@name = 'top1' and @stage = 'base']/@image-error"/>
    <xsl:if test="s:row[@n = 1] and $error">
      <note>
        <xsl:text>Numbers of one seed have no spread over seeds; the binomial standard error of the test images alone is about ±</xsl:text>
        <xsl:value-of select="format-number(100 * $error, '0.0')"/>
        <xsl:text> points.</xsl:text>
      </note>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
