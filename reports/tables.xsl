<?xml version="1.0" encoding="UTF-8"?>
<!-- summary.xml to neutral tables: captions, columns, cells with their text, value, spread and number of seeds. The
     stylesheets table-*.xsl write them as HTML, LaTeX, Markdown and CSV; the report page shows them; gnuplot draws them. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">
  <xsl:import href="numbers.xsl"/>
  <xsl:import href="tables-costs.xsl"/>
  <xsl:import href="tables-pruning.xsl"/>
  <xsl:import href="tables-left-out.xsl"/>
  <xsl:import href="claims.xsl"/>
  <xsl:import href="tables-thesis.xsl"/>
  <xsl:import href="tables-thesis-setup.xsl"/>
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>

  <xsl:template match="/">
    <xsl:apply-templates select="s:summary" mode="tables"/>
  </xsl:template>

  <xsl:template match="s:summary" mode="tables">
    <tables>
      <xsl:call-template name="data-table"/>
      <xsl:call-template name="claims-tables"/>
      <xsl:if test="s:reference"><xsl:call-template name="thesis-tables"/></xsl:if>
      <xsl:for-each select="s:section">
        <xsl:apply-templates select="s:schedule" mode="results"/>
        <xsl:apply-templates select="s:schedule" mode="criteria"/>
        <xsl:apply-templates select="s:schedule[s:comparison]" mode="differences"/>
        <xsl:apply-templates select="s:schedule[s:row/s:step]" mode="steps"/>
        <xsl:apply-templates select="." mode="costs"/>
        <xsl:apply-templates select="." mode="speed"/>
      </xsl:for-each>
      <xsl:call-template name="failures-table"/>
      <xsl:call-template name="left-out-table"/>
      <xsl:call-template name="runs-table"/>
      <xsl:call-template name="values-table"/>
    </tables>
  </xsl:template>

  <!-- Everything, one value a line -->

  <xsl:template name="values-table">
    <table name="values" kind="values" only="csv">
      <xsl:call-template name="place-columns"/>
      <column name="target"/>
      <column name="amount"/>
      <column name="criterion"/>
      <column name="name"/>
      <column name="stage"/>
      <column name="batch"/>
      <column name="n"/>
      <column name="mean"/>
      <column name="sd"/>
      <column name="se"/>
      <column name="low"/>
      <column name="high"/>
      <column name="image_error"/>
      <xsl:for-each select="s:section/s:schedule/*/s:value">
        <row>
          <xsl:apply-templates select=".." mode="place-cells"/>
          <cell><xsl:value-of select="../@target"/></cell>
          <cell><xsl:value-of select="../@amount"/></cell>
          <cell><xsl:value-of select="../@criterion"/></cell>
          <cell><xsl:value-of select="@name"/></cell>
          <cell><xsl:value-of select="@stage"/></cell>
          <cell><xsl:value-of select="@batch"/></cell>
          <cell><xsl:value-of select="@n"/></cell>
          <cell><xsl:value-of select="@mean"/></cell>
          <cell><xsl:value-of select="@sd"/></cell>
          <cell><xsl:value-of select="@se"/></cell>
          <cell><xsl:value-of select="@low"/></cell>
          <cell><xsl:value-of select="@high"/></cell>
          <cell><xsl:value-of select="@image-error"/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>

  <!-- Data sets -->

  <xsl:template name="data-table">
    <table name="data" kind="data">
      <caption>Data sets: images by split, as they were used</caption>
      <column name="dataset" title="Data set"/>
      <column name="classes" title="Classes" align="right"/>
      <column name="train" title="Train" align="right"/>
      <column name="validation" title="Validation" align="right"/>
      <column name="test" title="Test" align="right"/>
      <column name="train_per_class" title="Train per class" align="right"/>
      <column name="skipped" title="Unreadable" align="right"/>
      <xsl:for-each select="s:section[not(@dataset = preceding-sibling::s:section/@dataset)]">
        <row anchor="{s:schedule/s:row/@anchor}">
          <cell><xsl:value-of select="@dataset"/></cell>
          <cell><xsl:value-of select="s:data/@classes"/></cell>
          <cell><xsl:value-of select="s:data/@train"/></cell>
          <cell><xsl:value-of select="s:data/@validation"/></cell>
          <cell><xsl:value-of select="s:data/@test"/></cell>
          <cell>
            <xsl:if test="s:data/@classes &gt; 0">
              <xsl:value-of select="format-number(s:data/@train div s:data/@classes, '0.#')"/>
            </xsl:if>
          </cell>
          <cell><xsl:value-of select="s:data/@skipped"/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>

  <!-- One data set and schedule: rates × criteria, everything that was measured -->

  <xsl:template match="s:schedule" mode="results">
    <xsl:variable name="base" select="s:baseline"/>
    <xsl:variable name="params" select="$base/s:value[@name = 'params' and @stage = 'base']/@mean"/>
    <xsl:variable name="macs" select="$base/s:value[@name = 'macs' and @stage = 'base']/@mean"/>
    <xsl:variable name="batch" select="s:figure[@kind = 'accuracy-latency']/@batch"/>
    <xsl:variable name="single" select="s:row[@n = 1]"/>
    <table name="{@id}.results" kind="results" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': accuracy on ', ../s:data/@test, ' test images, size and speed by share of ')"/>
        <xsl:apply-templates select="." mode="measure"/>
        <xsl:text> removed; </xsl:text>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="place-columns"/>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="criterion" title="Criterion"/>
      <column name="top1_pruned" title="Top-1 pruned" unit="%" align="right" spread="true"/>
      <column name="top1" title="Top-1 final" unit="%" align="right" spread="true"/>
      <xsl:if test="$single">
        <column name="top1_image_error" title="Image s.e." unit="points" align="right"/>
      </xsl:if>
      <column name="top1_delta" title="Δ base" unit="points" align="right" spread="true"/>
      <column name="top5" title="Top-5" unit="%" align="right" spread="true"/>
      <column name="params" title="Params" align="right" spread="true">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:attribute>
      </column>
      <column name="macs" title="MACs" align="right" spread="true">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:attribute>
      </column>
      <xsl:if test="$batch">
        <column name="latency_ms" title="Latency" unit="ms" align="right" spread="true"/>
      </xsl:if>
      <column name="seeds" title="n" align="right"/>
      <row kind="baseline">
        <xsl:apply-templates select="$base" mode="place-cells"/>
        <cell value="0">0</cell>
        <cell value="unpruned">unpruned<xsl:apply-templates select="$base" mode="mark"/></cell>
        <cell>–</cell>
        <xsl:apply-templates select="$base" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates>
        <xsl:if test="$single"><xsl:apply-templates select="$base" mode="image-error"><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates></xsl:if>
        <cell>–</cell>
        <xsl:apply-templates select="$base" mode="percent"><xsl:with-param name="name" select="'top5'"/><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates>
        <xsl:apply-templates select="$base" mode="scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
        <xsl:apply-templates select="$base" mode="scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
        <xsl:if test="$batch">
          <xsl:apply-templates select="$base" mode="plain"><xsl:with-param name="name" select="'median-ms'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="batch" select="$batch"/></xsl:apply-templates>
        </xsl:if>
        <cell><xsl:value-of select="$base/@n"/></cell>
      </row>
      <xsl:for-each select="s:row">
        <xsl:variable name="first" select="not(preceding-sibling::s:row[1]/@target = @target and preceding-sibling::s:row[1]/@measure = @measure)"/>
        <row>
          <xsl:if test="$first"><xsl:attribute name="first">true</xsl:attribute></xsl:if>
          <xsl:apply-templates select="." mode="place-cells"/>
          <cell value="{@amount}">
            <xsl:if test="not($first)"><xsl:attribute name="repeated">true</xsl:attribute></xsl:if>
            <xsl:value-of select="format-number(100 * @amount, '0.#')"/>
          </cell>
          <cell value="{@criterion}"><xsl:apply-templates select="." mode="criterion"/></cell>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="best" select="true()"/></xsl:apply-templates>
          <xsl:if test="$single"><xsl:apply-templates select="." mode="image-error"><xsl:with-param name="stage" select="'final'"/></xsl:apply-templates></xsl:if>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1-delta'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="signed" select="true()"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top5'"/><xsl:with-param name="stage" select="'final'"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
          <xsl:if test="$batch">
            <xsl:apply-templates select="." mode="plain"><xsl:with-param name="name" select="'median-ms'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="batch" select="$batch"/></xsl:apply-templates>
          </xsl:if>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>Top-1 pruned: before retraining. Top-1 final: after it. Δ base: final minus unpruned, paired by seed.<xsl:if test="s:row[@n &gt; 1]"> ±: standard deviation over seeds.</xsl:if></note>
      <xsl:if test="$single">
        <note>Image s.e.: binomial standard error of the test images alone. With one seed there is no spread over seeds; this says how far another test set of the same size would move the number, not how far another seed would.</note>
      </xsl:if>
      <xsl:if test="$batch">
        <note>
          <xsl:text>Latency: median at batch </xsl:text>
          <xsl:value-of select="$batch"/>
          <xsl:text>, measured after all cells were done, one network at a time.</xsl:text>
        </note>
      </xsl:if>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- The same accuracies, criteria side by side -->

  <xsl:template match="s:schedule" mode="criteria">
    <xsl:variable name="schedule" select="."/>
    <xsl:variable name="criteria" select="s:row[not(@criterion = preceding-sibling::s:row/@criterion)]"/>
    <table name="{@id}.criteria" kind="criteria" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': final top-1 (%) by criterion and share of ')"/>
        <xsl:apply-templates select="." mode="measure"/>
        <xsl:text> removed; </xsl:text>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <xsl:for-each select="$criteria">
        <column name="{@criterion}" title="{@criterion}" unit="%" align="right" spread="true"/>
        <column name="{@criterion}_protocol" only="csv"/>
      </xsl:for-each>
      <row kind="baseline" anchor="{s:baseline/@anchor}">
        <cell value="0">unpruned</cell>
        <xsl:for-each select="$criteria">
          <xsl:apply-templates select="$schedule/s:baseline" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="mark" select="true()"/></xsl:apply-templates>
          <cell><xsl:apply-templates select="$schedule/s:baseline" mode="protocol"/></cell>
        </xsl:for-each>
      </row>
      <xsl:for-each select="s:row[not(preceding-sibling::s:row[1]/@target = @target and preceding-sibling::s:row[1]/@measure = @measure)]">
        <xsl:variable name="target" select="@target"/>
        <xsl:variable name="measure" select="@measure"/>
        <row anchor="{@anchor}">
          <cell value="{@amount}"><xsl:value-of select="format-number(100 * @amount, '0.#')"/></cell>
          <xsl:for-each select="$criteria">
            <xsl:variable name="row" select="$schedule/s:row[@target = $target and @measure = $measure and @criterion = current()/@criterion]"/>
            <xsl:choose>
              <xsl:when test="$row">
                <xsl:apply-templates select="$row" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="best" select="true()"/><xsl:with-param name="mark" select="true()"/></xsl:apply-templates>
              </xsl:when>
              <xsl:otherwise><cell>–</cell></xsl:otherwise>
            </xsl:choose>
            <cell><xsl:apply-templates select="$row" mode="protocol"/></cell>
          </xsl:for-each>
        </row>
      </xsl:for-each>
      <note>Bold: the highest mean of its row.<xsl:if test="s:row[@n &gt; 1]"> ±: standard deviation over seeds.</xsl:if></note>
      <xsl:call-template name="image-note"/>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- Paired differences -->

  <xsl:template match="s:schedule" mode="differences">
    <table name="{@id}.differences" kind="differences" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': differences of final top-1 between criteria, paired by seed; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="criterion" title="Criterion"/>
      <column name="minus" title="minus"/>
      <column name="protocol" only="csv"/>
      <column name="difference" title="Difference" unit="points" align="right"/>
      <column name="low" title="95 % from" unit="points" align="right"/>
      <column name="high" title="to" unit="points" align="right"/>
      <column name="p" title="p" align="right"/>
      <column name="image_error" title="Image s.e." unit="points" align="right"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:comparison">
        <row anchor="{@anchor}">
          <cell value="{@amount}"><xsl:value-of select="format-number(100 * @amount, '0.#')"/></cell>
          <xsl:variable name="row" select="../s:row[@target = current()/@target and @measure = current()/@measure and @criterion = current()/@a]"/>
          <cell value="{@a}"><xsl:apply-templates select="$row" mode="criterion"/></cell>
          <cell value="{@b}"><xsl:apply-templates select="../s:row[@target = current()/@target and @measure = current()/@measure and @criterion = current()/@b]" mode="criterion"/></cell>
          <cell><xsl:apply-templates select="$row" mode="protocol"/></cell>
          <cell value="{@mean}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template></cell>
          <cell value="{@low}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @low"/></xsl:call-template></cell>
          <cell value="{@high}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @high"/></xsl:call-template></cell>
          <cell value="{@p}">
            <xsl:choose>
              <xsl:when test="not(@p)">–</xsl:when>
              <xsl:when test="@p &lt; 0.001">&lt; 0.001</xsl:when>
              <xsl:otherwise><xsl:value-of select="format-number(@p, '0.000')"/></xsl:otherwise>
            </xsl:choose>
          </cell>
          <cell value="{@image-error}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @image-error"/></xsl:call-template></cell>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note>95 % interval and p: Student's t over the seeds' differences, without correction for the number of comparisons. Image s.e.: standard error of the difference from the test images alone, as if the two networks had seen different images (an upper bound).</note>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- Cells -->

  <xsl:template name="failures-table">
    <table name="failures" kind="failures">
      <caption>Cells that did not end well</caption>
      <column name="cell" title="Cell"/>
      <column name="status" title="Status"/>
      <column name="reason" title="Reason"/>
      <xsl:for-each select="s:cells/s:cell[@status != 'ok']">
        <row>
          <cell document="{@document}"><xsl:copy-of select="@log"/><xsl:value-of select="@id"/></cell>
          <cell><xsl:value-of select="@status"/><xsl:if test="@signal"> (<xsl:value-of select="@signal"/>)</xsl:if></cell>
          <cell><xsl:value-of select="s:message"/></cell>
        </row>
      </xsl:for-each>
      <xsl:for-each select="s:cells/s:unreadable">
        <row>
          <cell document="{@document}"><xsl:value-of select="@file"/></cell>
          <cell>unreadable</cell>
          <cell><xsl:value-of select="."/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>

  <xsl:template name="runs-table">
    <table name="runs" kind="runs">
      <caption>Every cell</caption>
      <column name="cell" title="Cell"/>
      <column name="status" title="Status"/>
      <column name="seconds" title="Time" unit="s" align="right"/>
      <column name="peak_rss_bytes" title="Peak memory" unit="MB" align="right"/>
      <column name="equivalence" title="Masked − compacted" align="right"/>
      <xsl:for-each select="s:cells/s:cell">
        <row id="{@anchor}">
          <cell document="{@document}"><xsl:copy-of select="@log"/><xsl:value-of select="@id"/></cell>
          <cell><xsl:value-of select="@status"/></cell>
          <cell value="{@seconds}"><xsl:call-template name="number"><xsl:with-param name="value" select="@seconds"/></xsl:call-template></cell>
          <cell value="{@peak-rss-bytes}"><xsl:call-template name="number"><xsl:with-param name="value" select="@peak-rss-bytes div 1000000"/><xsl:with-param name="format" select="'0'"/></xsl:call-template></cell>
          <cell value="{@equivalence}">
            <xsl:choose>
              <xsl:when test="@equivalence"><xsl:value-of select="@equivalence"/></xsl:when>
              <xsl:otherwise>–</xsl:otherwise>
            </xsl:choose>
          </cell>
        </row>
      </xsl:for-each>
      <note>Masked − compacted: largest difference of the two networks' logits on one batch, relative to the largest logit.</note>
    </table>
  </xsl:template>
</xsl:stylesheet>
