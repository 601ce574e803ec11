<?xml version="1.0" encoding="UTF-8"?>
<!-- The first screen: which method is best, by how much, how sure that is; in words and one picture. Of each section the leaderboard
     that the summary calls its headline. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                exclude-result-prefixes="s">

  <!-- The page whose sections the words lead to, and the folder of cells/; a page without them sets linked to false. -->
  <xsl:variable name="linked" select="true()"/>
  <xsl:variable name="sections-page"/>
  <xsl:variable name="cells-folder"/>

  <xsl:template name="best-link">
    <xsl:param name="href"/>
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="$linked"><a href="{$href}"><xsl:value-of select="$text"/></a></xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="best-words">
    <xsl:apply-templates select="s:section/s:leaderboard[@headline]" mode="best"/>
    <p class="note">At the largest share removed at which the method ahead loses at most one point; where none does, at the smallest. Intervals are 95 % intervals of the mean.</p>
  </xsl:template>

  <xsl:template name="best">
    <xsl:variable name="boards" select="s:section/s:leaderboard[@headline]"/>
    <section id="best" class="answer">
      <div class="words">
        <h2>What is best</h2>
        <xsl:call-template name="best-words"/>
      </div>
      <figure class="overview" id="figure-overview">
        <div class="drawing" tabindex="0" role="group" aria-label="Drawing overview"><xsl:comment>figure overview</xsl:comment></div>
        <figcaption>
          <xsl:text>Methods at that share, with 95 % intervals</xsl:text>
          <xsl:if test="not($boards/s:method/@low)"> where there are three seeds (here there are not)</xsl:if>
          <xsl:text>; the first eight, and the best random control. Methods that cannot be distinguished share a place.</xsl:text>
          <xsl:if test="count($boards) &gt; 6"><xsl:value-of select="concat(' The first 6 of ', count($boards), ' data sets.')"/></xsl:if>
          <span class="files"><xsl:text> </xsl:text><a href="figures/overview.svg">SVG</a><xsl:if test="contains($formats, 'pdf')">, <a href="figures/overview.pdf">PDF</a>, <a href="figures/overview.png">PNG</a></xsl:if>, <a href="data/overview.tsv">data</a></span>
        </figcaption>
      </figure>
    </section>
  </xsl:template>

  <xsl:template match="s:leaderboard" mode="best">
    <xsl:variable name="leader" select="s:method[not(@control) and @verdict != 'collapsed'][1]"/>
    <xsl:variable name="alone" select="count(s:method[not(@control)]) = 1"/>
    <xsl:variable name="row" select="../s:schedule[@id = $leader/@schedule]/s:row[@criterion = $leader/@criterion and @target = current()/@target and @measure = current()/@measure]"/>
    <p>
      <b><xsl:call-template name="best-link"><xsl:with-param name="href" select="concat($sections-page, '#', ../@id)"/><xsl:with-param name="text" select="../@title"/></xsl:call-template></b>
      <xsl:text>: with </xsl:text>
      <xsl:apply-templates select="$row" mode="share"/>
      <xsl:text> of </xsl:text>
      <xsl:call-template name="counted"><xsl:with-param name="measure" select="@measure"/></xsl:call-template>
      <xsl:choose><xsl:when test="@measure = 'weights'"> masked, </xsl:when><xsl:otherwise> removed, </xsl:otherwise></xsl:choose>
      <b><xsl:apply-templates select="$row" mode="criterion"/>, <xsl:value-of select="$row/../@label"/></b>
      <xsl:choose><xsl:when test="$alone"> has </xsl:when><xsl:otherwise> is ahead with </xsl:otherwise></xsl:choose>
      <b><xsl:call-template name="best-link"><xsl:with-param name="href" select="concat($cells-folder, 'cells/', substring-after($row/@anchor, 'cell-'), '.html')"/><xsl:with-param name="text" select="concat(format-number(100 * $leader/@mean, '0.0'), '&#160;%')"/></xsl:call-template></b>
      <xsl:text> (</xsl:text>
      <xsl:if test="$leader/@low"><xsl:value-of select="concat('95 % interval ', format-number(100 * $leader/@low, '0.0'), ' to ', format-number(100 * $leader/@high, '0.0'), ', ')"/></xsl:if>
      <xsl:value-of select="concat('n = ', $leader/@n, ' seed', substring('s', 1, $leader/@n != 1), ')')"/>
      <xsl:for-each select="$row/s:value[@name = 'top1-delta' and @stage = 'final']">
        <xsl:text>, </xsl:text><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template>
        <xsl:text> points to the unpruned network</xsl:text>
        <xsl:call-template name="in-brackets"><xsl:with-param name="low" select="@low"/><xsl:with-param name="high" select="@high"/></xsl:call-template>
      </xsl:for-each>
      <xsl:text>. </xsl:text>
      <xsl:apply-templates select="$leader" mode="best-control"/>
      <xsl:apply-templates select="." mode="best-next"><xsl:with-param name="leader" select="$leader"/></xsl:apply-templates>
    </p>
  </xsl:template>

  <!-- " (−0.3 to +2.7)", nothing without an interval -->
  <xsl:template name="in-brackets">
    <xsl:param name="low"/>
    <xsl:param name="high"/>
    <xsl:if test="$low">
      <xsl:text> (</xsl:text><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * $low"/></xsl:call-template>
      <xsl:text> to </xsl:text><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * $high"/></xsl:call-template>
      <xsl:text>)</xsl:text>
    </xsl:if>
  </xsl:template>

  <xsl:template match="s:method" mode="best-control">
    <xsl:choose>
      <xsl:when test="@verdict = 'better' or @verdict = 'worse' or @verdict = 'same'">
        <xsl:choose>
          <xsl:when test="@verdict = 'same'">Not distinguished from random channels: </xsl:when>
          <xsl:otherwise>It is <b><xsl:value-of select="@verdict"/></b> than random channels: </xsl:otherwise>
        </xsl:choose>
        <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @difference"/></xsl:call-template>
        <xsl:text> points</xsl:text>
        <xsl:call-template name="in-brackets"><xsl:with-param name="low" select="@difference-low"/><xsl:with-param name="high" select="@difference-high"/></xsl:call-template>
        <xsl:text>; p = </xsl:text><xsl:call-template name="p"><xsl:with-param name="p" select="@p"/></xsl:call-template>
        <xsl:text>, corrected for the number of methods. </xsl:text>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>Whether it beats random channels that are as many in every layer is not known: </xsl:text>
        <xsl:apply-templates select="." mode="leaderboard-verdict"/>
        <xsl:text>. </xsl:text>
        <xsl:apply-templates select="../../s:schedule[@id = current()/@schedule]/s:comparison[@control and not(@unlike) and not(@collapsed) and @a = current()/@criterion and @target = current()/../@target and @measure = current()/../@measure]" mode="best-random"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- A random control that divided the channels among the layers otherwise, as in the findings -->
  <xsl:template match="s:comparison" mode="best-random">
    <xsl:value-of select="concat('Against ', @b, ': ')"/>
    <b><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template> points</b>
    <xsl:apply-templates select="." mode="against">
      <xsl:with-param name="of" select="count(../s:comparison[@control and @target = current()/@target and @measure = current()/@measure and @b = current()/@b])"/>
    </xsl:apply-templates>
    <xsl:text> </xsl:text>
  </xsl:template>

  <xsl:template match="s:leaderboard" mode="best-next">
    <xsl:param name="leader"/>
    <xsl:variable name="equals" select="s:method[@place = 1][not(@criterion = $leader/@criterion and @schedule = $leader/@schedule)]"/>
    <xsl:choose>
      <xsl:when test="count(s:method[not(@control)]) = 1">No other method was run.</xsl:when>
      <xsl:when test="@methods &lt;= 1 and @verdict = 'one-method'">No other method has a place: they collapsed, or have too few seeds.</xsl:when>
      <xsl:when test="not($leader/@place)">Too few seeds to distinguish it from other methods.</xsl:when>
      <xsl:when test="not($equals)">It is <b>distinguished from every other method</b>.</xsl:when>
      <xsl:otherwise>
        <xsl:text>It shares the first place, not being distinguished, with </xsl:text>
        <xsl:for-each select="$equals[position() &lt;= 3]">
          <xsl:if test="position() &gt; 1">; </xsl:if>
          <xsl:value-of select="concat(@criterion, ', ', ../../s:schedule[@id = current()/@schedule]/@label)"/>
        </xsl:for-each>
        <xsl:if test="count($equals) &gt; 3"><xsl:value-of select="concat('; and ', count($equals) - 3, ' more')"/></xsl:if>
        <xsl:text>.</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
