<?xml version="1.0" encoding="UTF-8"?>
<!-- summary.xml to neutral tables: captions, columns, cells with their text, value, spread and number of seeds. The
     stylesheets table-*.xsl write them as HTML, LaTeX, Markdown and CSV; the report page shows them; gnuplot draws them. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">
  <xsl:import href="numbers.xsl"/>
  <xsl:import href="tables-costs.xsl"/>
  <xsl:import href="tables-pruning.xsl"/>
  <xsl:import href="tables-left-out.xsl"/>
  <xsl:import href="tables-compared.xsl"/>
  <xsl:import href="tables-leaderboard.xsl"/>
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>

  <xsl:template match="/">
    <xsl:apply-templates select="s:summary" mode="tables"/>
  </xsl:template>

  <!-- Of one kind alone; all where it is empty. Where room is scarce, as on a terminal, columns with extra="column" are left
       out, and spreads of those with extra="spread"; notes with key="true" are those without which numbers cannot be read. -->
  <xsl:param name="kind"/>
  <!-- Whether tables are made that are files of data alone. -->
  <xsl:variable name="data-files" select="true()"/>
  <xsl:key name="cell" match="s:cells/s:cell" use="@anchor"/>

  <xsl:template match="s:summary" mode="tables">
    <xsl:choose>
      <xsl:when test="$kind = 'results'">
        <tables>
          <xsl:apply-templates select="s:cells" mode="closing"/>
          <xsl:apply-templates select="s:section/s:schedule" mode="results"/>
        </tables>
      </xsl:when>
      <xsl:otherwise><xsl:apply-templates select="." mode="all-tables"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- How the cells ended, in one sentence -->
  <xsl:template match="s:cells" mode="closing">
    <xsl:attribute name="closing">
      <xsl:value-of select="concat(@ok, ' of ', @total, ' cells done')"/>
      <xsl:if test="@ok &lt; @total"><xsl:value-of select="concat('; ', @total - @ok, ' did not end well')"/></xsl:if>
      <xsl:if test="@unreadable = 1">; 1 document could not be read</xsl:if>
      <xsl:if test="@unreadable &gt; 1"><xsl:value-of select="concat('; ', @unreadable, ' documents could not be read')"/></xsl:if>
      <xsl:if test="@left-out = 1">; 1 document is left out</xsl:if>
      <xsl:if test="@left-out &gt; 1"><xsl:value-of select="concat('; ', @left-out, ' documents are left out')"/></xsl:if>
      <xsl:text>.</xsl:text>
    </xsl:attribute>
  </xsl:template>

  <xsl:template match="s:summary" mode="all-tables">
    <tables>
      <xsl:call-template name="data-table"/>
      <xsl:call-template name="compared-tables"/>
      <xsl:call-template name="study-tables"/>
      <xsl:apply-templates select="s:section[s:leaderboard]" mode="leaderboard"/>
      <xsl:for-each select="s:section">
        <xsl:apply-templates select="s:schedule" mode="results"/>
        <xsl:apply-templates select="s:schedule" mode="criteria"/>
        <xsl:apply-templates select="s:schedule[s:comparison]" mode="differences"/>
        <xsl:apply-templates select="s:schedule[s:row/s:step]" mode="steps"/>
        <xsl:apply-templates select="s:schedule[s:row/s:alone]" mode="alone"/>
        <xsl:apply-templates select="." mode="costs"/>
        <xsl:apply-templates select="." mode="speed"/>
      </xsl:for-each>
      <xsl:call-template name="failures-table"/>
      <xsl:call-template name="warnings-table"/>
      <xsl:call-template name="left-out-table"/>
      <xsl:call-template name="runs-table"/>
      <xsl:if test="$data-files">
        <xsl:call-template name="values-table"/>
        <xsl:call-template name="long-table"/>
      </xsl:if>
    </tables>
  </xsl:template>

  <!-- A study's own tables; the page shows those of kind "claims" among the findings, of kind "published" beside the published -->
  <xsl:template name="study-tables"/>

  <!-- Everything, one value a line -->

  <xsl:template name="values-table">
    <table name="values" kind="values" only="csv">
      <xsl:call-template name="place-columns"/>
      <column name="target"/>
      <column name="amount"/>
      <column name="removed"/>
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
          <cell><xsl:value-of select="../@removed"/></cell>
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
    <xsl:variable name="delta" select="s:row/s:value[@name = 'top1-delta']"/>
    <table name="{@id}.results" kind="results" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': accuracy on ', ../s:data/@test, ' test images, size and speed by share of ')"/>
        <xsl:apply-templates select="." mode="measure"/>
        <xsl:text> </xsl:text>
        <xsl:apply-templates select="." mode="removed"/>
        <xsl:text>; </xsl:text>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="place-columns"/>
      <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <column name="criterion" title="Criterion"/>
      <column name="top1_pruned" title="Top-1 pruned" unit="%" align="right" spread="true"/>
      <column name="top1" title="Top-1 final" unit="%" align="right" spread="true"/>
      <xsl:if test="$single">
        <column name="top1_image_error" title="Image s.e." unit="points" align="right" extra="column"/>
      </xsl:if>
      <column name="top1_delta" title="Δ base" unit="points" align="right" spread="true">
        <xsl:if test="not($delta)"><xsl:attribute name="only">csv</xsl:attribute></xsl:if>
      </column>
      <column name="top5" title="Top-5" unit="%" align="right" spread="true" extra="column"/>
      <column name="params" title="Params" align="right" spread="true" extra="spread">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$params"/></xsl:call-template></xsl:attribute>
      </column>
      <column name="macs" title="MACs" align="right" spread="true" extra="spread">
        <xsl:attribute name="unit"><xsl:call-template name="unit"><xsl:with-param name="of" select="$macs"/></xsl:call-template></xsl:attribute>
      </column>
      <xsl:call-template name="nonzero-columns"><xsl:with-param name="in" select="."/><xsl:with-param name="params" select="$params"/><xsl:with-param name="macs" select="$macs"/></xsl:call-template>
      <xsl:if test="$batch">
        <column name="latency_ms" title="Latency" unit="ms" align="right" spread="true" extra="spread"/>
      </xsl:if>
      <column name="seeds" title="n" align="right"/>
      <row kind="baseline">
        <xsl:apply-templates select="$base" mode="place-cells"/>
        <xsl:apply-templates select="$base" mode="removed-cells"/>
        <cell value="unpruned">unpruned<xsl:apply-templates select="$base" mode="mark"/></cell>
        <cell>–</cell>
        <xsl:apply-templates select="$base" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates>
        <xsl:if test="$single"><xsl:apply-templates select="$base" mode="image-error"><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates></xsl:if>
        <cell>–</cell>
        <xsl:apply-templates select="$base" mode="percent"><xsl:with-param name="name" select="'top5'"/><xsl:with-param name="stage" select="'base'"/></xsl:apply-templates>
        <xsl:apply-templates select="$base" mode="scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
        <xsl:apply-templates select="$base" mode="scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
        <xsl:for-each select="$base"><xsl:call-template name="nonzero-cells"><xsl:with-param name="in" select=".."/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="params" select="$params"/><xsl:with-param name="macs" select="$macs"/></xsl:call-template></xsl:for-each>
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
          <xsl:apply-templates select="." mode="removed-cells">
            <xsl:with-param name="repeated" select="not($first) and string(preceding-sibling::s:row[1]/@removed) = string(@removed) and not(@removed-min)"/>
          </xsl:apply-templates>
          <cell value="{@criterion}"><xsl:apply-templates select="." mode="criterion"/></cell>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'pruned'"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="best" select="true()"/></xsl:apply-templates>
          <xsl:if test="$single"><xsl:apply-templates select="." mode="image-error"><xsl:with-param name="stage" select="'final'"/></xsl:apply-templates></xsl:if>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top1-delta'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="signed" select="true()"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="percent"><xsl:with-param name="name" select="'top5'"/><xsl:with-param name="stage" select="'final'"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'params'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="of" select="$params"/></xsl:apply-templates>
          <xsl:apply-templates select="." mode="scaled"><xsl:with-param name="name" select="'macs'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="of" select="$macs"/></xsl:apply-templates>
          <xsl:call-template name="nonzero-cells"><xsl:with-param name="in" select=".."/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="params" select="$params"/><xsl:with-param name="macs" select="$macs"/></xsl:call-template>
          <xsl:if test="$batch">
            <xsl:apply-templates select="." mode="plain"><xsl:with-param name="name" select="'median-ms'"/><xsl:with-param name="stage" select="'pruned'"/><xsl:with-param name="batch" select="$batch"/></xsl:apply-templates>
          </xsl:if>
          <cell><xsl:value-of select="@n"/></cell>
        </row>
      </xsl:for-each>
      <note key="true">Top-1 pruned: before retraining. Top-1 final: after it.<xsl:if test="$delta"> Δ base: final minus unpruned, paired by seed.</xsl:if><xsl:if test="s:row[@n &gt; 1]"> ±: standard deviation over seeds.</xsl:if></note>
      <xsl:if test="s:row/@without-baseline"><note mark="no baseline" key="true"><xsl:apply-templates select="." mode="baseline-note"/></note></xsl:if>
      <xsl:call-template name="removed-note"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <xsl:call-template name="nonzero-note"><xsl:with-param name="in" select="."/></xsl:call-template>
      <note><xsl:apply-templates select="." mode="best-note"/></note>
      <xsl:if test="$single">
        <note>Image s.e.: binomial standard error of the test images alone. With one seed there is no spread over seeds; this says how far another test set of the same size would move the number, not how far another seed would.</note>
      </xsl:if>
      <xsl:if test="$batch">
        <note>
          <xsl:text>Latency: median at batch </xsl:text>
          <xsl:value-of select="$batch"/>
          <xsl:text>, measured after all cells were done, one network at a time; one figure for each distinct network.</xsl:text>
        </note>
        <xsl:call-template name="noise-note"><xsl:with-param name="of" select="s:row | s:baseline"/></xsl:call-template>
      </xsl:if>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- The same accuracies, criteria side by side -->

  <xsl:template match="s:schedule" mode="criteria">
    <xsl:variable name="schedule" select="."/>
    <xsl:variable name="criteria" select="s:row[not(@criterion = preceding-sibling::s:row/@criterion)]"/>
    <xsl:variable name="varied" select="s:row[@off-target or @removed-min]"/>
    <table name="{@id}.criteria" kind="criteria" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': final top-1 (%) by criterion and share of ')"/>
        <xsl:apply-templates select="." mode="measure"/>
        <xsl:text> </xsl:text>
        <xsl:apply-templates select="." mode="removed"/>
        <xsl:text>; </xsl:text>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <xsl:for-each select="$criteria">
        <column name="{@criterion}" title="{@criterion}" unit="%" align="right" spread="true"/>
        <column name="{@criterion}_removed" only="csv"/>
        <column name="{@criterion}_protocol" only="csv"/>
      </xsl:for-each>
      <row kind="baseline" anchor="{s:baseline/@anchor}">
        <cell value="0">unpruned</cell>
        <cell value="0">0</cell>
        <xsl:for-each select="$criteria">
          <xsl:apply-templates select="$schedule/s:baseline" mode="percent"><xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'base'"/><xsl:with-param name="mark" select="true()"/></xsl:apply-templates>
          <cell>0</cell>
          <cell><xsl:apply-templates select="$schedule/s:baseline" mode="protocol"/></cell>
        </xsl:for-each>
      </row>
      <xsl:for-each select="s:row">
        <xsl:variable name="target" select="@target"/>
        <xsl:variable name="measure" select="@measure"/>
        <xsl:if test="not(preceding-sibling::s:row[@target = $target and @measure = $measure])">
          <row anchor="{@anchor}">
            <xsl:call-template name="target-cells"><xsl:with-param name="of" select="$schedule/s:row[@target = $target and @measure = $measure]"/></xsl:call-template>
            <xsl:for-each select="$criteria">
              <xsl:variable name="row" select="$schedule/s:row[@target = $target and @measure = $measure and @criterion = current()/@criterion]"/>
              <xsl:choose>
                <xsl:when test="$row">
                  <xsl:apply-templates select="$row" mode="percent">
                    <xsl:with-param name="name" select="'top1'"/><xsl:with-param name="stage" select="'final'"/><xsl:with-param name="best" select="true()"/><xsl:with-param name="mark" select="true()"/>
                    <xsl:with-param name="at"><xsl:if test="$row[@off-target or @removed-min]/@removed"><xsl:value-of select="concat(' at ', format-number(100 * $row/@removed, '0.#'), ' %')"/></xsl:if></xsl:with-param>
                  </xsl:apply-templates>
                </xsl:when>
                <xsl:otherwise><cell>–</cell></xsl:otherwise>
              </xsl:choose>
              <cell value="{$row/@removed}"/>
              <cell><xsl:apply-templates select="$row" mode="protocol"/></cell>
            </xsl:for-each>
          </row>
        </xsl:if>
      </xsl:for-each>
      <note><xsl:apply-templates select="." mode="best-note"/><xsl:if test="s:row[@n &gt; 1]"> ±: standard deviation over seeds.</xsl:if></note>
      <xsl:call-template name="removed-note"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <xsl:if test="$varied"><note mark="at: the share removed">at: the share that this criterion removed, mean over seeds.</note></xsl:if>
      <xsl:if test="s:row/@without-baseline"><note mark="no baseline"><xsl:apply-templates select="." mode="baseline-note"/></note></xsl:if>
      <xsl:call-template name="image-note"/>
      <xsl:apply-templates select="." mode="marks"/>
    </table>
  </xsl:template>

  <!-- What the criteria removed at one target, and the target -->
  <xsl:template name="target-cells">
    <xsl:param name="of"/>
    <xsl:variable name="low"><xsl:for-each select="$of[@removed]"><xsl:sort select="@removed" data-type="number"/><xsl:if test="position() = 1"><xsl:value-of select="@removed"/></xsl:if></xsl:for-each></xsl:variable>
    <xsl:variable name="high"><xsl:for-each select="$of[@removed]"><xsl:sort select="@removed" data-type="number" order="descending"/><xsl:if test="position() = 1"><xsl:value-of select="@removed"/></xsl:if></xsl:for-each></xsl:variable>
    <xsl:variable name="from" select="format-number(100 * $low, '0.#')"/>
    <xsl:variable name="to" select="format-number(100 * $high, '0.#')"/>
    <cell>
      <xsl:attribute name="value"><xsl:if test="$of/@removed and $low = $high"><xsl:value-of select="$low"/></xsl:if><xsl:if test="not($of/@amount &gt; 0)">0</xsl:if></xsl:attribute>
      <xsl:choose>
        <xsl:when test="not($of/@amount &gt; 0)">0</xsl:when>
        <xsl:when test="not($of/@removed)">–</xsl:when>
        <xsl:otherwise><xsl:value-of select="$from"/><xsl:if test="$from != $to"> to <xsl:value-of select="$to"/></xsl:if></xsl:otherwise>
      </xsl:choose>
    </cell>
    <cell value="{$of[1]/@amount}"><xsl:apply-templates select="$of[1]" mode="asked"/></cell>
  </xsl:template>

  <!-- When a criterion is set in bold -->
  <xsl:template match="s:schedule" mode="best-note">
    <xsl:choose>
      <xsl:when test="s:row/@best">Bold: the criterion of highest mean that seeds distinguish from every random control and from the next criterion of the same target: paired t test over three seeds or more, p times the number of criteria at most 0.05.</xsl:when>
      <xsl:when test="not(s:row[@n &gt; 2])">Nothing is set in bold: with fewer than three seeds nothing can be distinguished by seeds.</xsl:when>
      <xsl:when test="not(s:row/@control)">Nothing is set in bold: no random control was run.</xsl:when>
      <xsl:otherwise>Nothing is set in bold: at no target do the seeds distinguish a criterion from random and from the next criterion that removed the same share (paired t test over three seeds or more, p times the number of criteria at most 0.05).</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Paired differences -->

  <xsl:template match="s:schedule" mode="differences">
    <table name="{@id}.differences" kind="differences" schedule="{@id}">
      <caption>
        <xsl:value-of select="concat(../@title, ' · ', @label, ': differences of final top-1 between criteria, paired by seed; ')"/>
        <xsl:apply-templates select="." mode="seeds"/>
      </caption>
      <xsl:call-template name="removed-columns"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <column name="criterion" title="Criterion"/>
      <column name="minus" title="minus"/>
      <column name="minus_removed" only="csv"/>
      <column name="protocol" only="csv"/>
      <column name="difference" title="Difference" unit="points" align="right"/>
      <column name="low" title="95 % from" unit="points" align="right"/>
      <column name="high" title="to" unit="points" align="right"/>
      <column name="p" title="p" align="right"/>
      <column name="image_error" title="Image s.e." unit="points" align="right"/>
      <column name="seeds" title="n" align="right"/>
      <xsl:for-each select="s:comparison">
        <xsl:variable name="row" select="../s:row[@target = current()/@target and @measure = current()/@measure and @criterion = current()/@a]"/>
        <xsl:variable name="other" select="../s:row[@target = current()/@target and @measure = current()/@measure and @criterion = current()/@b]"/>
        <row anchor="{@anchor}">
          <xsl:apply-templates select="$row" mode="removed-cells"/>
          <cell value="{@a}"><xsl:apply-templates select="$row" mode="criterion"/></cell>
          <cell value="{@b}">
            <xsl:apply-templates select="$other" mode="criterion"/>
            <xsl:if test="@unlike"> at <xsl:apply-templates select="$other" mode="removed"/> % ≠</xsl:if>
          </cell>
          <cell value="{$other/@removed}"/>
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
      <xsl:call-template name="removed-note"><xsl:with-param name="of" select="s:row"/></xsl:call-template>
      <xsl:if test="s:comparison/@unlike"><note mark="≠ another share removed">≠: the two removed different shares, so that the difference is not one between criteria.</note></xsl:if>
      <note>95 % interval and p, from three seeds on: Student's t over the seeds' differences, without correction for the number of comparisons. Image s.e.: standard error of the difference from the test images alone, as if the two networks had seen different images (an upper bound).</note>
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
        <row anchor="{@anchor}">
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

  <xsl:template name="warnings-table">
    <table name="warnings" kind="failures">
      <caption>What to know about single cells</caption>
      <column name="cell" title="Cell"/>
      <column name="warning" title="Warning"/>
      <xsl:for-each select="s:cells/s:cell/s:warning">
        <row anchor="{../@anchor}">
          <cell document="{../@document}"><xsl:copy-of select="../@log"/><xsl:value-of select="../@id"/></cell>
          <cell><xsl:value-of select="."/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>

  <xsl:template name="runs-table">
    <table name="runs" kind="runs">
      <caption>Every cell</caption>
      <column name="cell" title="Cell"/>
      <column name="dataset" title="Data set"/>
      <column name="criterion" title="Criterion"/>
      <column name="schedule" title="Schedule"/>
      <column name="target" title="Target"/>
      <column name="seed" title="Seed" align="right"/>
      <column name="removed" title="Removed" unit="%" align="right"/>
      <column name="top1" title="Top-1 final" unit="%" align="right"/>
      <column name="status" title="Status"/>
      <column name="seconds" title="Time" unit="s" align="right"/>
      <column name="peak_rss_bytes" title="Peak memory" unit="MB" align="right"/>
      <column name="equivalence" title="Masked − compacted" align="right"/>
      <xsl:for-each select="s:cells/s:cell">
        <row id="{@anchor}" anchor="{@anchor}">
          <cell document="{@document}"><xsl:copy-of select="@log"/><xsl:value-of select="@id"/></cell>
          <cell><xsl:value-of select="@dataset"/></cell>
          <cell><xsl:value-of select="@criterion"/></cell>
          <cell><xsl:value-of select="@schedule"/></cell>
          <cell><xsl:value-of select="@target"/></cell>
          <cell><xsl:value-of select="@seed"/></cell>
          <cell value="{@removed}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @removed"/></xsl:call-template></cell>
          <cell value="{@top1}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @top1"/><xsl:with-param name="format" select="'0.00'"/></xsl:call-template></cell>
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

  <!-- One line for each cell, one accuracy in a column: for R, pandas and the like -->
  <xsl:template name="long-table">
    <table name="cells-long" kind="long" only="csv">
      <column name="cell"/>
      <column name="dataset"/>
      <column name="model"/>
      <column name="backend"/>
      <column name="variant"/>
      <column name="criterion"/>
      <column name="schedule"/>
      <column name="target"/>
      <column name="measure"/>
      <column name="asked"/>
      <column name="removed"/>
      <column name="seed"/>
      <column name="status"/>
      <column name="top1"/>
      <column name="top1_base"/>
      <column name="top1_pruned"/>
      <column name="params"/>
      <column name="macs"/>
      <xsl:for-each select="s:cells/s:cell">
        <row>
          <cell><xsl:value-of select="@id"/></cell>
          <cell><xsl:value-of select="@dataset"/></cell>
          <cell><xsl:value-of select="@model"/></cell>
          <cell><xsl:value-of select="@backend"/></cell>
          <cell><xsl:value-of select="@variant"/></cell>
          <cell><xsl:value-of select="@criterion"/></cell>
          <cell><xsl:value-of select="@schedule"/></cell>
          <cell><xsl:value-of select="@target"/></cell>
          <cell><xsl:value-of select="@measure"/></cell>
          <cell><xsl:value-of select="@amount"/></cell>
          <cell><xsl:value-of select="@removed"/></cell>
          <cell><xsl:value-of select="@seed"/></cell>
          <cell><xsl:value-of select="@status"/></cell>
          <cell><xsl:value-of select="@top1"/></cell>
          <cell><xsl:value-of select="@top1-base"/></cell>
          <cell><xsl:value-of select="@top1-pruned"/></cell>
          <cell><xsl:value-of select="@params"/></cell>
          <cell><xsl:value-of select="@macs"/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>
</xsl:stylesheet>
