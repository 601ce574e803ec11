<?xml version="1.0" encoding="UTF-8"?>
<!-- The report page: one file that can be copied alone and asks for nothing from elsewhere. Comments mark where the program
     puts figures, pictures, style and script (harness/report/page_fill.c). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns:t="urn:prunebench:tables:1" xmlns:exsl="http://exslt.org/common" exclude-result-prefixes="s t exsl">
  <xsl:import href="tables.xsl"/>
  <xsl:import href="table-html.xsl"/>
  <xsl:import href="findings.xsl"/>
  <xsl:import href="best.xsl"/>
  <xsl:import href="figures.xsl"/>
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:param name="formats" select="'svg'"/>

  <xsl:variable name="data-files" select="false()"/>
  <xsl:variable name="tables-tree"><xsl:apply-templates select="/s:summary" mode="tables"/></xsl:variable>
  <xsl:variable name="tables" select="exsl:node-set($tables-tree)/t:tables"/>
  <xsl:variable name="cells" select="/s:summary/s:cells"/>
  <!-- So many rows may the page's tables have together; where they have more, the long tables are on pages of their own. -->
  <xsl:variable name="page-rows" select="4000"/>
  <xsl:variable name="long-rows" select="100"/>
  <xsl:variable name="most-rows">
    <xsl:choose>
      <xsl:when test="count($tables/t:table[not(@only) and not(t:row[1001])]/t:row) &gt; $page-rows"><xsl:value-of select="$long-rows"/></xsl:when>
      <xsl:otherwise>1000</xsl:otherwise>
    </xsl:choose>
  </xsl:variable>

  <!-- Sections whose γ figures a study shows among the published results -->
  <xsl:variable name="gamma-beside" select="/.."/>

  <xsl:template match="/">
    <xsl:apply-templates select="s:summary"/>
  </xsl:template>

  <xsl:template match="s:summary">
    <html lang="en">
      <head>
        <xsl:comment>policy</xsl:comment>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="generator" content="prunebench {@version}"/>
        <title>prunebench: <xsl:value-of select="@matrix"/></title>
        <xsl:comment>style</xsl:comment>
      </head>
      <body>
        <a class="skip" href="#findings">Skip to the findings</a>
        <header>
          <p class="kicker">prunebench report</p>
          <h1><xsl:value-of select="@matrix"/></h1>
          <p class="lead"><xsl:call-template name="lead"/></p>
          <nav aria-label="Contents">
            <ul>
              <xsl:if test="s:section/s:leaderboard/@headline"><li><a href="#best">What is best</a></li></xsl:if>
              <li><a href="#findings">Findings</a></li>
              <xsl:if test="s:section/s:leaderboard"><li><a href="#leaderboard">Leaderboard</a></li></xsl:if>
              <li><a href="#run">What was run</a></li>
              <xsl:if test="s:reference"><li><a href="#published">Beside the published</a></li></xsl:if>
              <xsl:for-each select="s:section">
                <li><a href="#{@id}"><xsl:value-of select="@title"/></a></li>
              </xsl:for-each>
              <xsl:if test="$cells/s:cell[@status != 'ok'] | $cells/s:unreadable"><li><a href="#failures">Failures</a></li></xsl:if>
              <xsl:if test="$cells/s:cell/s:warning"><li><a href="#warnings">Warnings</a></li></xsl:if>
              <xsl:if test="$cells/s:left-out"><li><a href="#left-out">Left out</a></li></xsl:if>
              <li><a href="#reading">How to read it</a></li>
              <li><a href="#provenance">Provenance</a></li>
            </ul>
          </nav>
        </header>
        <main>
          <xsl:if test="s:section/s:leaderboard/@headline"><xsl:call-template name="best"/></xsl:if>
          <section id="findings">
            <h2>Findings</h2>
            <xsl:call-template name="findings"/>
            <xsl:apply-templates select="$tables/t:table[@kind = 'claims']" mode="html"/>
          </section>
          <xsl:if test="s:section/s:leaderboard">
            <section id="leaderboard">
              <h2>Leaderboard</h2>
              <xsl:for-each select="s:section[s:leaderboard]">
                <details>
                  <xsl:if test="last() = 1"><xsl:attribute name="open">open</xsl:attribute></xsl:if>
                  <summary><xsl:value-of select="concat(@title, ': all methods at every target (', count(s:leaderboard/s:method), ' rows)')"/></summary>
                  <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.leaderboard')]" mode="html"/>
                </details>
              </xsl:for-each>
            </section>
          </xsl:if>
          <xsl:call-template name="run"/>
          <xsl:if test="s:reference"><xsl:call-template name="published"/></xsl:if>
          <xsl:apply-templates select="s:section"/>
          <xsl:if test="$cells/s:cell[@status != 'ok'] | $cells/s:unreadable"><xsl:call-template name="failures"/></xsl:if>
          <xsl:if test="$cells/s:cell/s:warning"><xsl:call-template name="warnings"/></xsl:if>
          <xsl:if test="$cells/s:left-out"><xsl:call-template name="left-out"/></xsl:if>
          <xsl:call-template name="reading"/>
          <xsl:call-template name="provenance"/>
        </main>
        <footer>
          <p>Made by prunebench <xsl:value-of select="@version"/> (<xsl:value-of select="@git"/>) on <xsl:value-of select="@generated"/>.</p>
        </footer>
        <xsl:comment>script</xsl:comment>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="lead">
    <xsl:value-of select="$cells/@ok"/>
    <xsl:text> of </xsl:text>
    <xsl:value-of select="$cells/@total"/>
    <xsl:text> cells done: </xsl:text>
    <xsl:call-template name="axis"><xsl:with-param name="name" select="'dataset'"/><xsl:with-param name="one" select="'data set'"/></xsl:call-template>
    <xsl:call-template name="axis-of-several"><xsl:with-param name="name" select="'model'"/></xsl:call-template>
    <xsl:text> × </xsl:text>
    <xsl:call-template name="axis"><xsl:with-param name="name" select="'criterion'"/><xsl:with-param name="one" select="'criterion'"/><xsl:with-param name="many" select="'criteria'"/></xsl:call-template>
    <xsl:text> × </xsl:text>
    <xsl:call-template name="axis"><xsl:with-param name="name" select="'schedule'"/><xsl:with-param name="one" select="'schedule'"/></xsl:call-template>
    <xsl:call-template name="axis-of-several"><xsl:with-param name="name" select="'backend'"/></xsl:call-template>
    <xsl:call-template name="axis-of-several"><xsl:with-param name="name" select="'variant'"/></xsl:call-template>
    <xsl:text> × </xsl:text>
    <xsl:call-template name="axis"><xsl:with-param name="name" select="'target'"/><xsl:with-param name="one" select="'target'"/></xsl:call-template>
    <xsl:text> × </xsl:text>
    <xsl:call-template name="axis"><xsl:with-param name="name" select="'seed'"/><xsl:with-param name="one" select="'seed'"/></xsl:call-template>
    <xsl:text>. Generated </xsl:text>
    <xsl:value-of select="translate(substring(@generated, 1, 16), 'T', ' ')"/>
    <xsl:text> UTC.</xsl:text>
  </xsl:template>
  <!-- " × 5 models"; nothing where there is one, as most runs have -->
  <xsl:template name="axis-of-several">
    <xsl:param name="name"/>
    <xsl:if test="count(s:run/s:option[@name = $name]/s:value) &gt; 1">
      <xsl:text> × </xsl:text>
      <xsl:call-template name="axis"><xsl:with-param name="name" select="$name"/><xsl:with-param name="one" select="$name"/></xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template name="axis">
    <xsl:param name="name"/>
    <xsl:param name="one"/>
    <xsl:param name="many" select="concat($one, 's')"/>
    <xsl:variable name="count" select="count(s:run/s:option[@name = $name]/s:value)"/>
    <xsl:value-of select="concat($count, ' ')"/>
    <xsl:choose>
      <xsl:when test="$count = 1"><xsl:value-of select="$one"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="$many"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- What was run, and on what -->

  <xsl:template name="run">
    <section id="run">
      <h2>What was run, and on what</h2>
      <dl class="facts">
        <xsl:for-each select="s:run/s:option[@name = 'model' or @name = 'backend' or @name = 'criterion' or @name = 'schedule' or @name = 'variant' or @name = 'seed' or @name = 'selection']">
          <xsl:if test="string(s:value)"><xsl:apply-templates select="." mode="fact"/></xsl:if>
        </xsl:for-each>
        <xsl:for-each select="s:run/s:provenance[not(@name = 'started' or @name = 'seconds' or @name = 'version' or @name = 'git' or @name = 'last-stage' or @name = 'samples' or @name = 'failed-stage' or starts-with(@name, 'stage-') or contains(@name, '-plugin') or contains(@name, 'sha256'))]">
          <xsl:if test="string(s:value) or count(s:value) &gt; 1"><xsl:apply-templates select="." mode="fact"/></xsl:if>
        </xsl:for-each>
        <xsl:variable name="seconds" select="sum($cells/s:cell[number(@seconds) = number(@seconds)]/@seconds)"/>
        <xsl:if test="$seconds &gt; 0">
          <dt>time</dt>
          <dd>
            <xsl:choose>
              <xsl:when test="$seconds &gt;= 7200"><xsl:value-of select="format-number($seconds div 3600, '0.0')"/> hours</xsl:when>
              <xsl:when test="$seconds &gt;= 120"><xsl:value-of select="format-number($seconds div 60, '0.0')"/> minutes</xsl:when>
              <xsl:otherwise><xsl:value-of select="format-number($seconds, '0.0')"/> s</xsl:otherwise>
            </xsl:choose>
            <xsl:text> in all processes together</xsl:text>
          </dd>
        </xsl:if>
      </dl>
      <xsl:apply-templates select="$tables/t:table[@name = 'data']" mode="html"/>
      <xsl:if test="not(s:reference)"><xsl:call-template name="samples"/></xsl:if>
    </section>
  </xsl:template>

  <xsl:template match="s:option | s:provenance" mode="fact">
    <dt><xsl:value-of select="translate(@name, '-_', '  ')"/></dt>
    <dd>
      <xsl:for-each select="s:value[position() &lt;= 8]">
        <xsl:if test="position() &gt; 1">, </xsl:if>
        <xsl:value-of select="."/>
        <xsl:if test="not(string(.))">none</xsl:if>
      </xsl:for-each>
      <xsl:if test="count(s:value) &gt; 8"> and <xsl:value-of select="count(s:value) - 8"/> more</xsl:if>
    </dd>
  </xsl:template>

  <!-- Beside published results -->

  <xsl:template name="published">
    <section id="published">
      <h2>Beside the published results</h2>
      <p>
        <xsl:value-of select="s:reference/@title"/>
        <xsl:text>. Tables in the form of the published ones, filled from this run, each number beside the published one.</xsl:text>
      </p>
      <xsl:if test="s:section/s:scale">
        <p>Where network or data are not of the published scale, numbers are shown side by side without a difference:</p>
        <ul>
          <xsl:for-each select="s:section[s:scale]"><li><xsl:apply-templates select="." mode="scale"/></li></xsl:for-each>
        </ul>
      </xsl:if>
      <xsl:call-template name="published-tables"/>
    </section>
  </xsl:template>

  <!-- What is shown beside the published results; a study may order it otherwise -->
  <xsl:template name="published-tables">
    <xsl:call-template name="samples"/>
    <xsl:apply-templates select="$tables/t:table[@kind = 'published']" mode="html"/>
  </xsl:template>

  <!-- A data set -->

  <xsl:template match="s:section">
    <section id="{@id}" class="dataset">
      <h2><xsl:value-of select="@title"/></h2>
      <p>
        <xsl:value-of select="concat(@model, ' on ', @backend)"/>
        <xsl:if test="string(@variant)"> (<xsl:value-of select="@variant"/>)</xsl:if>
        <xsl:value-of select="concat('; ', s:data/@classes, ' classes; ', s:data/@train, ' training, ', s:data/@validation, ' validation and ', s:data/@test, ' test images')"/>
        <xsl:if test="s:data/@skipped &gt; 0">; <xsl:value-of select="s:data/@skipped"/> could not be read</xsl:if>
        <xsl:text>.</xsl:text>
      </p>
      <div class="wide"><xsl:apply-templates select="s:figure[@kind = 'panels'] | s:figure[@kind = 'pareto']"/></div>
      <xsl:if test="s:figure[@kind = 'timeline']">
        <details>
          <summary>The schedules as they ran</summary>
          <div class="wide"><xsl:apply-templates select="s:figure[@kind = 'timeline']"/></div>
        </details>
      </xsl:if>
      <xsl:apply-templates select="s:schedule"/>
      <h3>What pruning saved</h3>
      <details>
        <summary>Size: parameters, MACs and bytes of every network</summary>
        <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.costs')]" mode="html"/>
      </details>
      <details>
        <summary>Speed and memory as measured</summary>
        <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.speed')]" mode="html"/>
      </details>
      <xsl:if test="s:figure[@kind = 'gamma']">
        <h3>Scale factors before<xsl:if test="s:gamma-change"> and after</xsl:if> pruning</h3>
        <xsl:choose>
          <xsl:when test="$gamma-beside[@id = current()/@id]">
            <p><a href="#figure-{s:figure[@kind = 'gamma']/@name}">Beside the published results</a>.</p>
          </xsl:when>
          <xsl:otherwise>
            <details>
              <summary>Histogram, and the same cumulated</summary>
              <div class="figures"><xsl:apply-templates select="s:figure[@kind = 'gamma']"/></div>
            </details>
          </xsl:otherwise>
        </xsl:choose>
      </xsl:if>
    </section>
  </xsl:template>

  <xsl:template match="s:schedule">
    <section id="{@id}" class="schedule">
      <h3><xsl:value-of select="../@title"/><xsl:text> · </xsl:text><xsl:value-of select="@label"/></h3>
      <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.criteria')]" mode="html"/>
      <details>
        <summary>Accuracy before and after retraining, size and speed of every row</summary>
        <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.results')]" mode="html"/>
      </details>
      <xsl:if test="s:comparison">
        <details>
          <summary>Differences between criteria, with intervals</summary>
          <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.differences')]" mode="html"/>
        </details>
      </xsl:if>
      <xsl:variable name="many" select="count(s:row) &gt; 16"/>
      <xsl:if test="s:figure[@kind = 'layers' or @kind = 'curves' or @kind = 'revived']">
        <details>
          <summary>Channels of each layer, a training, channels that came back</summary>
          <xsl:if test="$many"><div class="wide"><xsl:apply-templates select="s:figure[@kind = 'layers']"/></div></xsl:if>
          <div class="figures">
            <xsl:if test="not($many)"><xsl:apply-templates select="s:figure[@kind = 'layers']"/></xsl:if>
            <xsl:apply-templates select="s:figure[@kind = 'curves']"/>
            <xsl:apply-templates select="s:figure[@kind = 'revived']"/>
          </div>
        </details>
      </xsl:if>
      <xsl:if test="s:row/s:step">
        <details>
          <summary>Pruning steps: thresholds, ties, channels before and after</summary>
          <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.steps')]" mode="html"/>
        </details>
      </xsl:if>
      <xsl:if test="s:row/s:alone">
        <details>
          <summary>Layers pruned alone: how accuracy falls with each</summary>
          <xsl:apply-templates select="$tables/t:table[@name = concat(current()/@id, '.alone')]" mode="html"/>
        </details>
      </xsl:if>
    </section>
  </xsl:template>

  <!-- Failures -->

  <xsl:template name="failures">
    <section id="failures">
      <h2>Failures</h2>
      <p>These cells are missing from the tables above; the others are complete without them.</p>
      <xsl:apply-templates select="$tables/t:table[@name = 'failures']" mode="html"/>
      <xsl:for-each select="$cells/s:cell[s:log]">
        <details>
          <summary>Last lines of the log of <code><xsl:value-of select="@id"/></code></summary>
          <pre><xsl:value-of select="s:log"/></pre>
          <xsl:if test="@log"><p><a href="../{@log}">The whole log</a></p></xsl:if>
        </details>
      </xsl:for-each>
    </section>
  </xsl:template>

  <xsl:template name="warnings">
    <section id="warnings">
      <h2>Warnings</h2>
      <p>These cells ended well, but how their channels were ranked deserves a look.</p>
      <details>
        <summary><xsl:value-of select="concat(count($cells/s:cell/s:warning), ' in ', count($cells/s:cell[s:warning]), ' of ', $cells/@total, ' cells')"/></summary>
        <xsl:apply-templates select="$tables/t:table[@name = 'warnings']" mode="html"/>
      </details>
    </section>
  </xsl:template>

  <!-- What is shown beside the results without being one of them -->

  <xsl:template name="left-out">
    <section id="left-out">
      <h2>Left out</h2>
      <p>These documents are in no table, figure or count: they are not of the matrix that was run last, or not what their name says.</p>
      <xsl:apply-templates select="$tables/t:table[@name = 'left-out']" mode="html"/>
    </section>
  </xsl:template>

  <!-- Each criterion that was ranked so; under a global scope once for every normalisation -->
  <xsl:key name="ranked" match="s:row[@scope]" use="concat(@criterion, ' ', @scope, ' ', @allocation, ' ', self::*[@scope = 'global']/@normalise)"/>
  <xsl:template name="criteria-of-scope">
    <xsl:param name="scope"/>
    <xsl:for-each select="s:section/s:schedule/s:row[@scope = $scope and not(@allocation)][generate-id() = generate-id(key('ranked', concat(@criterion, ' ', @scope, ' ', @allocation, ' ', self::*[@scope = 'global']/@normalise))[1])]">
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="@criterion"/>
      <xsl:if test="$scope = 'global'"> (<xsl:value-of select="@normalise"/>)</xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- Each criterion whose share was divided among the layers by a rule, with the rule -->
  <xsl:template name="criteria-of-allocations">
    <xsl:for-each select="s:section/s:schedule/s:row[@allocation][generate-id() = generate-id(key('ranked', concat(@criterion, ' ', @scope, ' ', @allocation, ' ', self::*[@scope = 'global']/@normalise))[1])]">
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="@criterion"/> (<xsl:value-of select="@allocation"/>)</xsl:for-each>
  </xsl:template>

  <xsl:template name="reading">
    <section id="reading">
      <h2>How to read it</h2>
      <ul>
        <li>A <b>cell</b> is one data set, model, criterion, schedule, backend, variant, target and seed. A number in a table is the mean over the cells that differ in the seed alone; <b>n</b> says how many.</li>
        <li><b>±</b> in a table is the standard deviation over seeds, not the error of the mean. Intervals are 95 % intervals of the mean by Student's t; from fewer than three seeds none is given. With one seed there is no ± either; the binomial standard error of the test images is then given apart and named so.</li>
        <li><b>Unpruned</b> is the network before pruning, <b>pruned</b> right after its channels were taken out, <b>final</b> after retraining. All three are measured on the test images once; the learning rate and the best epoch look at the validation images only, unless a † says otherwise.</li>
        <li><b>Removed</b> is what was achieved: the share of what the target counts (channels, parameters or MACs; of a threshold channels) that is gone, mean over the seeds of one target, with its range where they differ. Rows, axes and findings go by it. Where it differs from the target by more than one channel (parameters and MACs: by more than one per cent of the network), <b>asked</b> is shown beside it. The table of speed says how many channels the floor per layer saved.</li>
        <li><b>Δ</b> is a difference to the network without pruning, trained in full as the matrix says. Results without one show no difference.</li>
        <li><b>Bold</b> and <b>best</b>: the highest mean, where a paired t test over three seeds or more distinguishes it from every random control and from the next method of the same target that removed the same share. Its p is multiplied by the number of candidates that the best was chosen from (Bonferroni) and must be at most 0.05. A <b>collapsed</b> network is never the best: it is near chance (at most two standard errors of the test images above it), or has less than half of the unpruned network's accuracy above chance.</li>
        <li><b>Leaderboard</b>: all methods (criterion under a schedule) of a data set and target. Its tests are paired by seed, as the others are, but take the noise from all methods of the target together, because three seeds of two methods say too little of it; so it distinguishes what the tests of bold figures, which use the two rows alone, do not.</li>
        <li><b>MACs</b> count convolutions, linear layers and the bilinear pooling; FLOPs are twice that.</li>
        <li><b>Latency</b> is one figure for each distinct network. One marked § differs too much between repeated measurements: it enters no speed-up, no figure and no finding.</li>
        <li><b>Random</b> is the control: a criterion that does not beat it has found nothing.<xsl:if test="s:section/s:schedule/s:row[@redraw = 'once']"> Under soft pruning it keeps one mask for the whole training.</xsl:if><xsl:if test="s:section/s:schedule/s:row[@redraw = 'each-scoring']"> Where it was to be drawn anew (<xsl:for-each select="s:section/s:schedule/s:row[@redraw = 'each-scoring' and not(@criterion = preceding::s:row[@redraw = 'each-scoring']/@criterion)]"><xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="@criterion"/></xsl:for-each>), it had another mask after every epoch, also where criteria keep theirs.</xsl:if></li>
        <li><b>Scope</b> is what the scores of a layer were compared with.<xsl:if test="s:section/s:schedule/s:row[@scope = 'layer' and not(@allocation)]"> Only with its own, so that every layer lost the same share: <xsl:call-template name="criteria-of-scope"><xsl:with-param name="scope" select="'layer'"/></xsl:call-template>.</xsl:if><xsl:if test="s:section/s:schedule/s:row[@allocation]"> Only with its own, where an allocation (in brackets) says what each layer lost: <xsl:call-template name="criteria-of-allocations"/>.</xsl:if><xsl:if test="s:section/s:schedule/s:row[@scope = 'global']"> With those of all layers, divided within each by the rule in brackets: <xsl:call-template name="criteria-of-scope"><xsl:with-param name="scope" select="'global'"/></xsl:call-template>.</xsl:if></li>
        <li>The pruned network is the one that is measured: its channels are gone, not masked. Both forms were run on the same batch, and the largest difference is in the list of runs.</li>
      </ul>
    </section>
  </xsl:template>

  <xsl:template name="provenance">
    <section id="provenance">
      <h2>Provenance</h2>
      <dl class="facts">
        <xsl:for-each select="s:run/s:provenance[@name = 'version' or @name = 'git' or contains(@name, '-plugin') or contains(@name, 'sha256')]"><xsl:apply-templates select="." mode="fact"/></xsl:for-each>
        <xsl:for-each select="s:run/s:provenance[@name = 'started']">
          <dt>first started</dt>
          <dd><xsl:for-each select="s:value"><xsl:sort select="."/><xsl:if test="position() = 1"><xsl:value-of select="."/></xsl:if></xsl:for-each></dd>
        </xsl:for-each>
      </dl>
      <details>
        <summary>Every option, as resolved (<xsl:value-of select="count(s:run/s:option)"/>)</summary>
        <div class="table scroll" tabindex="0" role="group" aria-label="Options">
          <table>
            <thead><tr><th scope="col">Option</th><th scope="col">Value (number of cells where it differs)</th></tr></thead>
            <tbody>
              <xsl:for-each select="s:run/s:option">
                <tr>
                  <th scope="row"><xsl:value-of select="@name"/></th>
                  <td>
                    <xsl:for-each select="s:value[position() &lt;= 12]">
                      <xsl:if test="position() &gt; 1">, </xsl:if>
                      <xsl:value-of select="."/>
                      <xsl:if test="not(string(.))">–</xsl:if>
                      <xsl:if test="count(../s:value) &gt; 1"> (<xsl:value-of select="@cells"/>)</xsl:if>
                    </xsl:for-each>
                    <xsl:if test="count(s:value) &gt; 12">, …</xsl:if>
                  </td>
                </tr>
              </xsl:for-each>
            </tbody>
          </table>
        </div>
      </details>
      <details>
        <summary>Every cell (<xsl:value-of select="$cells/@total"/>)</summary>
        <xsl:apply-templates select="$tables/t:table[@name = 'runs']" mode="html"/>
      </details>
    </section>
  </xsl:template>
</xsl:stylesheet>
