<?xml version="1.0" encoding="UTF-8"?>
<!-- The front page over many nights: one file that can be copied alone. It reads the nights (harness/report/nights_document.c), inside
     the summary of the last night that has one. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns:n="urn:prunebench:nights:1" xmlns:t="urn:prunebench:tables:1" xmlns:exsl="http://exslt.org/common"
                exclude-result-prefixes="s n t exsl">
  <xsl:import href="tables.xsl"/>
  <xsl:import href="table-html.xsl"/>
  <xsl:import href="findings.xsl"/>
  <xsl:import href="best.xsl"/>
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>

  <xsl:variable name="nights" select="//n:nights"/>
  <xsl:variable name="runs" select="$nights/n:run"/>
  <xsl:variable name="last" select="$runs[1]"/>
  <xsl:variable name="best-run" select="$runs[@number = $nights/@best-number]"/>
  <xsl:variable name="news" select="$nights/n:change[not(@known) and @direction = 'worse']"/>

  <xsl:key name="run" match="n:run" use="@number"/>
  <xsl:key name="news" match="n:change[not(@known) and @direction = 'worse']" use="concat(@number, ' ', substring-before(concat(@measure, '.'), '.'))"/>

  <!-- Changes of one measure in one night: the table shows six of them -->
  <xsl:key name="event" match="n:change" use="concat(@number, ' ', @measure)"/>

  <!-- Words about what is best lead into that night's report -->
  <xsl:variable name="linked" select="boolean($best-run/@report)"/>
  <xsl:variable name="sections-page" select="$best-run/@report"/>
  <xsl:variable name="cells-folder" select="substring-before($best-run/@report, 'index.html')"/>
  <!-- Every night is in the table -->
  <xsl:variable name="most-rows" select="1000000"/>

  <xsl:template match="/">
    <html lang="en">
      <head>
        <xsl:comment>policy</xsl:comment>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="generator" content="prunebench {$nights/@version}"/>
        <title>prunebench nights<xsl:if test="$last/@matrix">: <xsl:value-of select="$last/@matrix"/></xsl:if></title>
        <xsl:comment>style</xsl:comment>
      </head>
      <body>
        <a class="skip" href="#now">Skip to the last night</a>
        <header>
          <p class="kicker">prunebench nights</p>
          <h1>
            <xsl:choose>
              <xsl:when test="$last/@matrix"><xsl:value-of select="$last/@matrix"/></xsl:when>
              <xsl:otherwise>History</xsl:otherwise>
            </xsl:choose>
          </h1>
          <p class="lead"><xsl:call-template name="nights-lead"/></p>
          <nav aria-label="Contents">
            <ul>
              <li><a href="#now">The last night</a></li>
              <xsl:if test="$nights/n:change"><li><a href="#changes">Changes of level</a></li></xsl:if>
              <xsl:if test="$nights/n:method"><li><a href="#methods">Methods</a></li></xsl:if>
              <xsl:if test="$runs"><li><a href="#nights">All nights</a></li></xsl:if>
              <li><a href="#reading">How to read it</a></li>
            </ul>
          </nav>
        </header>
        <main>
          <section id="now" class="answer">
            <div class="words">
              <h2>The last night</h2>
              <xsl:call-template name="last-night"/>
              <xsl:if test="count($runs) &gt; 1"><xsl:call-template name="news"/></xsl:if>
              <xsl:if test="s:summary/s:section/s:leaderboard/@headline">
                <h2>What is best</h2>
                <xsl:if test="$best-run/@number != $last/@number"><p>In the night <xsl:value-of select="$best-run/@name"/>, the last whose results can be read:</p></xsl:if>
                <xsl:for-each select="s:summary"><xsl:call-template name="best-words"/></xsl:for-each>
              </xsl:if>
            </div>
            <xsl:if test="$runs">
              <figure class="overview" id="figure-nights">
                <div class="drawing" tabindex="0" role="group" aria-label="Drawing nights"><xsl:comment>figure nights</xsl:comment></div>
                <figcaption>Night after night. Dashed: another level from there on; ▼ worse, ▲ better, ◆ changed, ◇ known.</figcaption>
              </figure>
            </xsl:if>
          </section>
          <xsl:variable name="tree"><xsl:call-template name="nights-tables"/></xsl:variable>
          <xsl:variable name="made" select="exsl:node-set($tree)/t:tables"/>
          <xsl:if test="$nights/n:change">
            <section id="changes">
              <h2>Since when</h2>
              <xsl:apply-templates select="$made/t:table[@name = 'changes']" mode="html"/>
            </section>
          </xsl:if>
          <xsl:if test="$nights/n:method">
            <section id="methods">
              <h2>Methods</h2>
              <xsl:apply-templates select="$made/t:table[@name = 'methods']" mode="html"/>
            </section>
          </xsl:if>
          <xsl:if test="$runs">
            <section id="nights">
              <h2>All nights</h2>
              <xsl:apply-templates select="$made/t:table[@name = 'nights']" mode="html"/>
            </section>
          </xsl:if>
          <section id="reading">
            <h2>How to read it</h2>
            <p>A change of level is a night from which on a number has other values than chance explains: p is at most 0.001, corrected for the number of groups, and changes below half a point, or 3 % of a time or of memory, are left out. A level needs seven nights on each side, or three beside twenty-two; a step of last night is found by the comparison with the last good night instead, whose verdict is the night's state.</p>
            <p>A night is <i>good</i>, has <i>a regression</i> against the last good night, is <i>not comparable</i> with it (other images, kernel sets or cells), or had cells that <i>failed</i>. Known is what was annotated: <code>prunebench history annotate NAME TEXT</code>.</p>
            <xsl:if test="$nights/@elsewhere &gt; 0"><p>Times and memory are shown of the last night's processor, threads and kernel sets alone: <xsl:value-of select="$nights/@elsewhere"/> nights are of others.</p></xsl:if>
            <xsl:if test="$nights/@skipped &gt; 0"><p><b>Files of the history that cannot be read and are left out: <xsl:value-of select="$nights/@skipped"/>.</b></p></xsl:if>
          </section>
        </main>
        <footer>
          <p>Made by prunebench <xsl:value-of select="$nights/@version"/> (<xsl:value-of select="$nights/@git"/>) on <xsl:value-of select="$nights/@generated"/>.</p>
        </footer>
        <xsl:comment>script</xsl:comment>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="nights-lead">
    <xsl:choose>
      <xsl:when test="not($runs)">No night is in the history yet.</xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="concat(count($runs), ' night', substring('s', 1, count($runs) != 1), ', ', count($runs[@state = 'good']), ' of them good')"/>
        <xsl:if test="count($runs) &gt; 1">
          <xsl:text>; from </xsl:text>
          <xsl:for-each select="$runs"><xsl:sort select="@began"/><xsl:if test="position() = 1"><xsl:value-of select="substring(@began, 1, 10)"/></xsl:if></xsl:for-each>
          <xsl:text> to </xsl:text>
          <xsl:for-each select="$runs"><xsl:sort select="@began"/><xsl:if test="position() = last()"><xsl:value-of select="substring(@began, 1, 10)"/></xsl:if></xsl:for-each>
        </xsl:if>
        <xsl:value-of select="concat('. Generated ', translate(substring($nights/@generated, 1, 16), 'T', ' '), ' UTC.')"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="state">
    <xsl:param name="state" select="@state"/>
    <xsl:choose>
      <xsl:when test="$state = 'regression'">a regression</xsl:when>
      <xsl:when test="$state = 'not-comparable'">not comparable</xsl:when>
      <xsl:when test="$state = 'failed'">cells failed</xsl:when>
      <xsl:otherwise><xsl:value-of select="$state"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="last-night">
    <xsl:for-each select="$last">
      <p class="big"><xsl:call-template name="state"/><span><xsl:value-of select="concat(' ', @name)"/></span></p>
      <xsl:if test="n:note"><p><xsl:value-of select="n:note"/></p></xsl:if>
      <p>
        <xsl:value-of select="concat(@cells, ' cell', substring('s', 1, @cells != 1), ', ', @failed, ' failed')"/>
        <xsl:if test="@left-out &gt; 0"><xsl:value-of select="concat(', ', @left-out, ' left out')"/></xsl:if>
        <xsl:if test="@git"><xsl:value-of select="concat('; commit ', @git)"/></xsl:if>
        <xsl:text>. </xsl:text>
        <xsl:if test="@report"><a href="{@report}">Its report</a>. </xsl:if>
        <xsl:if test="n:known">Known: <xsl:value-of select="n:known[last()]"/>. </xsl:if>
        <xsl:if test="@state != 'good'">
          <xsl:variable name="good" select="$runs[@state = 'good' or n:known][1]"/>
          <xsl:if test="$good">The last good night is <xsl:call-template name="run-link"><xsl:with-param name="run" select="$good"/></xsl:call-template>.</xsl:if>
        </xsl:if>
      </p>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="run-link">
    <xsl:param name="run"/>
    <xsl:choose>
      <xsl:when test="$run/@report"><a href="{$run/@report}"><xsl:value-of select="$run/@name"/></a></xsl:when>
      <xsl:otherwise><xsl:value-of select="$run/@name"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- What is worse and not known: by night and kind of measure, the newest four -->
  <xsl:template name="news">
    <xsl:variable name="first" select="$news[generate-id() = generate-id(key('news', concat(@number, ' ', substring-before(concat(@measure, '.'), '.')))[1])]"/>
    <xsl:choose>
      <xsl:when test="not($news)"><p>Over the nights no number has moved to a worse level, beside what is known.</p></xsl:when>
      <xsl:otherwise>
        <ul>
          <xsl:for-each select="$first[position() &lt;= 4]">
            <xsl:variable name="series" select="key('news', concat(@number, ' ', substring-before(concat(@measure, '.'), '.')))"/>
            <xsl:variable name="others" select="count($series) - 1"/>
            <li>
              <b><xsl:call-template name="kind-of-measure"/> worse since <xsl:call-template name="run-link"><xsl:with-param name="run" select="key('run', @number)"/></xsl:call-template></b>
              <xsl:text>: </xsl:text>
              <xsl:call-template name="effect"/>
              <xsl:value-of select="concat(' in ', @of)"/>
              <xsl:if test="$others &gt; 0"><xsl:value-of select="concat(', and ', $others, ' more series')"/></xsl:if>
              <xsl:if test="@commit"><xsl:text>; </xsl:text><xsl:call-template name="commits"/></xsl:if>
              <xsl:text>.</xsl:text>
            </li>
          </xsl:for-each>
        </ul>
        <xsl:if test="count($first) &gt; 4"><p><a href="#changes">All changes of level</a></p></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="kind-of-measure">
    <xsl:variable name="kind" select="substring-before(concat(@measure, '.'), '.')"/>
    <xsl:choose>
      <xsl:when test="$kind = 'ms'">Latency</xsl:when>
      <xsl:when test="$kind = 'training'">Training time</xsl:when>
      <xsl:when test="$kind = 'scoring'">Scoring time</xsl:when>
      <xsl:when test="$kind = 'memory'">Memory</xsl:when>
      <xsl:when test="$kind = 'bytes'">Bytes of the stored network</xsl:when>
      <xsl:when test="$kind = 'loss'">Loss</xsl:when>
      <xsl:otherwise><xsl:call-template name="measure"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="measure">
    <xsl:choose>
      <xsl:when test="@measure = 'accuracy'">Top-1</xsl:when>
      <xsl:when test="@measure = 'base-accuracy'">Top-1 of the unpruned network</xsl:when>
      <xsl:when test="@measure = 'top5'">Top-5</xsl:when>
      <xsl:otherwise><xsl:value-of select="@measure"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="effect">
    <xsl:choose>
      <xsl:when test="@share"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * (@after - @before)"/><xsl:with-param name="format" select="'0.00'"/></xsl:call-template> points</xsl:when>
      <xsl:otherwise><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * (@after div @before - 1)"/></xsl:call-template> %</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="level">
    <xsl:param name="value"/>
    <xsl:choose>
      <xsl:when test="@share"><xsl:value-of select="concat(format-number(100 * $value, '0.00'), ' %')"/></xsl:when>
      <xsl:when test="$value &gt;= 1000"><xsl:value-of select="format-number($value, '0')"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="format-number($value, '0.####')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="commits">
    <xsl:choose>
      <xsl:when test="not(@commit)">–</xsl:when>
      <xsl:when test="@commit = @commit-before"><xsl:value-of select="concat('commit ', @commit, ', as before')"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="concat('commits ', @commit-before, '..', @commit)"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Tables -->

  <xsl:template match="@report"><xsl:attribute name="href"><xsl:value-of select="."/></xsl:attribute></xsl:template>

  <xsl:template name="nights-tables">
    <tables xmlns="urn:prunebench:tables:1">
      <table name="changes" kind="changes">
        <caption>Changes of level, the newest first</caption>
        <column name="first" title="First night"/>
        <column name="measure" title="Measure"/>
        <column name="of" title="Of"/>
        <column name="verdict" title="Verdict"/>
        <column name="before" title="Before" align="right"/>
        <column name="after" title="After" align="right"/>
        <column name="effect" title="Change" align="right"/>
        <column name="p" title="p" align="right"/>
        <column name="commits" title="Commits"/>
        <column name="known" title="Known as"/>
        <xsl:for-each select="$nights/n:change">
          <xsl:variable name="event" select="key('event', concat(@number, ' ', @measure))[position() &lt;= 6]"/>
          <xsl:if test="count(. | $event) = count($event)"><row>
            <cell><xsl:apply-templates select="key('run', @number)/@report"/><xsl:value-of select="@first"/></cell>
            <cell><xsl:call-template name="measure"/></cell>
            <cell><xsl:value-of select="@of"/></cell>
            <cell>
              <xsl:choose>
                <xsl:when test="@known">known</xsl:when>
                <xsl:when test="@direction = 'worse'">▼ worse</xsl:when>
                <xsl:when test="@direction = 'better'">▲ better</xsl:when>
                <xsl:otherwise>◆ changed</xsl:otherwise>
              </xsl:choose>
            </cell>
            <cell><xsl:call-template name="level"><xsl:with-param name="value" select="@before"/></xsl:call-template></cell>
            <cell><xsl:call-template name="level"><xsl:with-param name="value" select="@after"/></xsl:call-template></cell>
            <cell><xsl:call-template name="effect"/></cell>
            <cell><xsl:call-template name="p"><xsl:with-param name="p" select="@p"/></xsl:call-template></cell>
            <cell><xsl:call-template name="commits"/></cell>
            <cell><xsl:value-of select="@known"/></cell>
          </row></xsl:if>
        </xsl:for-each>
        <note>Of one measure in one night six series at most, all cells first; <xsl:value-of select="'prunebench history trend --json'"/> lists every one.</note>
      </table>
      <table name="methods" kind="methods">
        <caption>Methods in the last night</caption>
        <column name="method" title="Method"/>
        <column name="top1" title="Top-1" unit="%" align="right"/>
        <column name="interval" title="95 % interval" unit="%"/>
        <column name="seeds" title="Seeds" align="right"/>
        <column name="unpruned" title="To unpruned" unit="points" align="right"/>
        <column name="change" title="To the night before" unit="points" align="right"/>
        <column name="since" title="On this level since"/>
        <column name="line" title="Nights"/>
        <xsl:for-each select="$nights/n:method">
          <row>
            <cell><xsl:value-of select="@name"/></cell>
            <cell value="{@mean}"><xsl:call-template name="number"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template></cell>
            <cell>
              <xsl:choose>
                <xsl:when test="@from"><xsl:value-of select="concat(format-number(100 * @from, '0.0'), ' to ', format-number(100 * @to, '0.0'))"/></xsl:when>
                <xsl:otherwise>–</xsl:otherwise>
              </xsl:choose>
            </cell>
            <cell><xsl:value-of select="@n"/></cell>
            <cell value="{@delta}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @delta"/></xsl:call-template></cell>
            <cell value="{@change}"><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @change"/></xsl:call-template></cell>
            <cell><xsl:value-of select="@since"/></cell>
            <cell points="{@points}"><xsl:value-of select="concat(@nights, ' nights, ', format-number(100 * @low, '0.0'), ' to ', format-number(100 * @high, '0.0'), ' %')"/></cell>
          </row>
        </xsl:for-each>
        <note>Intervals are of the mean over seeds. The lines show at most the last 90 nights, each in a range of its own, of one point at least.</note>
      </table>
      <table name="nights" kind="nights">
        <caption>Nights, the newest first</caption>
        <column name="night" title="Night"/>
        <column name="began" title="Began (UTC)"/>
        <column name="state" title="State"/>
        <column name="cells" title="Cells" align="right"/>
        <column name="failed" title="Failed" align="right"/>
        <column name="commit" title="Commit"/>
        <column name="host" title="Host"/>
        <column name="noted" title="Noted"/>
        <xsl:for-each select="$runs">
          <row>
            <cell><xsl:apply-templates select="@report"/><xsl:value-of select="@name"/></cell>
            <cell><xsl:value-of select="translate(substring(@began, 1, 16), 'T', ' ')"/><xsl:if test="@backwards"> (!)</xsl:if></cell>
            <cell><xsl:call-template name="state"/></cell>
            <cell><xsl:value-of select="@cells"/></cell>
            <cell><xsl:value-of select="@failed"/></cell>
            <cell><xsl:value-of select="@git"/></cell>
            <cell><xsl:value-of select="@host"/></cell>
            <cell>
              <xsl:value-of select="n:note"/>
              <xsl:if test="n:note and n:known">; </xsl:if>
              <xsl:for-each select="n:known"><xsl:if test="position() = 1">known: </xsl:if><xsl:if test="position() &gt; 1">; </xsl:if><xsl:value-of select="."/></xsl:for-each>
            </cell>
          </row>
        </xsl:for-each>
        <xsl:if test="$runs/@backwards"><note>(!) began before the night below it: a clock ran backwards, or it was added later.</note></xsl:if>
      </table>
    </tables>
  </xsl:template>
</xsl:stylesheet>
