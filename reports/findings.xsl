<?xml version="1.0" encoding="UTF-8"?>
<!-- What the numbers say, per data set: the unpruned network, the best and the smallest good pruned one, and the criteria
     against the random control at the highest target. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                exclude-result-prefixes="s">

  <xsl:template name="findings">
    <div class="cards">
      <xsl:for-each select="s:section">
        <article class="card">
          <h3><a href="#{@id}"><xsl:value-of select="@title"/></a></h3>
          <xsl:variable name="base" select="s:schedule/s:baseline/s:value[@name = 'top1' and @stage = 'base']"/>
          <xsl:if test="$base">
            <p class="big">
              <xsl:value-of select="format-number(100 * $base[1]/@mean, '0.0')"/> %<xsl:apply-templates select="$base[1]/.." mode="mark"/>
              <xsl:text> </xsl:text>
              <span>top-1 unpruned, <xsl:apply-templates select="$base[1]" mode="error"/></span>
            </p>
          </xsl:if>
          <ul>
            <xsl:choose>
              <xsl:when test="s:schedule/s:row/s:value[@name = 'params' and @stage = 'pruned']">
                <xsl:call-template name="best"/>
                <xsl:call-template name="smallest"/>
                <xsl:apply-templates select="s:schedule" mode="against-control"/>
                <xsl:call-template name="said-heavier"/>
                <xsl:if test="s:gamma"><xsl:call-template name="said-moderate"/><xsl:call-template name="said-near-zero"/></xsl:if>
              </xsl:when>
              <xsl:otherwise><li>Trained only: nothing was pruned.</li></xsl:otherwise>
            </xsl:choose>
          </ul>
        </article>
      </xsl:for-each>
    </div>
    <xsl:if test="s:section/s:schedule/s:row[@select-on-test]"><p class="note">†: the test split chose the learning rate and the epoch.</p></xsl:if>
    <xsl:if test="s:section/s:schedule/s:row[@zero-gamma-beta]"><p class="note">‡: soft pruning zeroed γ and β.</p></xsl:if>
  </xsl:template>

  <!-- The highest accuracy after pruning -->
  <xsl:template name="best">
    <xsl:for-each select="s:schedule/s:row[s:value[@name = 'params' and @stage = 'pruned'] and s:value[@name = 'top1' and @stage = 'final']]">
      <xsl:sort select="s:value[@name = 'top1' and @stage = 'final']/@mean" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <li>
          <xsl:text>Best after pruning: </xsl:text>
          <b><xsl:value-of select="format-number(100 * s:value[@name = 'top1' and @stage = 'final']/@mean, '0.0')"/> %</b>
          <xsl:text> with </xsl:text>
          <xsl:apply-templates select="." mode="what"/>
          <xsl:text> (</xsl:text>
          <xsl:apply-templates select="s:value[@name = 'top1-delta' and @stage = 'final']" mode="difference"/>
          <xsl:text> to unpruned).</xsl:text>
        </li>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- The fewest parameters at no more than one point of loss -->
  <xsl:template name="smallest">
    <xsl:variable name="good" select="s:schedule/s:row[s:value[@name = 'top1-delta' and @stage = 'final' and @mean &gt;= -0.01] and s:value[@name = 'params-reduction']]"/>
    <xsl:choose>
      <xsl:when test="not($good)">
        <xsl:if test="s:schedule/s:row/s:value[@name = 'top1-delta']"><li>No pruned network stays within one point of the unpruned one.</li></xsl:if>
      </xsl:when>
      <xsl:otherwise>
        <xsl:for-each select="$good">
          <xsl:sort select="s:value[@name = 'params-reduction']/@mean" data-type="number" order="descending"/>
          <xsl:if test="position() = 1">
            <li>
              <xsl:text>Smallest within one point of unpruned: </xsl:text>
              <xsl:apply-templates select="." mode="what"/>
              <xsl:text>, </xsl:text>
              <b><xsl:value-of select="format-number(100 * s:value[@name = 'params-reduction']/@mean, '0')"/> % fewer parameters</b>
              <xsl:text>, </xsl:text>
              <xsl:value-of select="format-number(100 * s:value[@name = 'macs-reduction']/@mean, '0')"/>
              <xsl:text> % fewer MACs</xsl:text>
              <xsl:if test="s:value[@name = 'speed-up']">
                <xsl:text>, </xsl:text>
                <xsl:value-of select="format-number(s:value[@name = 'speed-up'][1]/@mean, '0.0')"/>
                <xsl:text>× as fast</xsl:text>
              </xsl:if>
              <xsl:text>, at </xsl:text>
              <xsl:apply-templates select="s:value[@name = 'top1-delta' and @stage = 'final']" mode="difference"/>
              <xsl:text>.</xsl:text>
            </li>
          </xsl:if>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The best criterion against the control at the highest target -->
  <xsl:template match="s:schedule" mode="against-control">
    <xsl:variable name="label" select="@label"/>
    <xsl:variable name="target" select="s:comparison[@control][last()]/@target"/>
    <xsl:for-each select="s:comparison[@control and @target = $target]">
      <xsl:sort select="@mean" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <li>
          <xsl:value-of select="concat($label, ' at ', format-number(100 * @amount, '0.#'), ' %: ')"/>
          <xsl:value-of select="@a"/><xsl:apply-templates select="../s:row[@target = $target][1]" mode="mark"/>
          <xsl:value-of select="concat(' against ', @b, ' ')"/>
          <b>
            <xsl:if test="@mean &gt; 0">+</xsl:if>
            <xsl:value-of select="translate(format-number(100 * @mean, '0.0'), '-', '−')"/>
            <xsl:text> points</xsl:text>
          </b>
          <xsl:text> </xsl:text>
          <xsl:choose>
            <xsl:when test="@n &gt; 1">
              <xsl:text>(95 % interval </xsl:text>
              <xsl:value-of select="translate(concat(format-number(100 * @low, '0.0'), ' to ', format-number(100 * @high, '0.0')), '-', '−')"/>
              <xsl:value-of select="concat(', n = ', @n, ' seeds)')"/>
              <xsl:choose>
                <xsl:when test="@low &gt; 0">: better.</xsl:when>
                <xsl:when test="@high &lt; 0">: worse.</xsl:when>
                <xsl:otherwise>: not told apart.</xsl:otherwise>
              </xsl:choose>
            </xsl:when>
            <xsl:otherwise>
              <xsl:value-of select="concat('(± ', format-number(100 * @image-error, '0.0'), ' standard error of the test images, n = 1 seed)')"/>
              <xsl:choose>
                <xsl:when test="@mean &gt; 2 * @image-error">: more than two standard errors.</xsl:when>
                <xsl:when test="@mean &lt; -2 * @image-error">: worse by more than two standard errors.</xsl:when>
                <xsl:otherwise>: within two standard errors.</xsl:otherwise>
              </xsl:choose>
            </xsl:otherwise>
          </xsl:choose>
        </li>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- The three claims of claims.xsl, in a sentence each -->
  <xsl:template name="said-heavier">
    <xsl:variable name="all" select="../s:heavier[@section = current()/@id]"/>
    <xsl:variable name="fewer" select="$all[@verdict = 'fewer']"/>
    <xsl:choose>
      <xsl:when test="not($all)"/>
      <xsl:when test="$fewer">
        <xsl:for-each select="$fewer">
          <xsl:sort select="s:with/@params" data-type="number"/>
          <xsl:sort select="@against"/>
          <xsl:if test="position() = 1">
            <li>
              <xsl:value-of select="concat('Heavier penalty, ', @schedule, ', ', format-number(100 * s:with/@amount, '0.#'), ' % removed: ')"/>
              <b><xsl:value-of select="concat(format-number(-100 * s:params/@mean, '0'), ' % fewer parameters')"/></b>
              <xsl:text> than without it (</xsl:text>
              <xsl:value-of select="concat(format-number(100 * s:without/@amount, '0.#'), ' % removed; head ', format-number(s:without/@params-head, '#,##0'), ' → ', format-number(s:with/@params-head, '#,##0'), ', trunk ', format-number(s:without/@params-trunk, '#,##0'), ' → ', format-number(s:with/@params-trunk, '#,##0'), ')')"/>
              <xsl:text> at equal top-1 (</xsl:text>
              <xsl:for-each select="s:top1"><xsl:call-template name="said-interval"/></xsl:for-each>
              <xsl:text>).</xsl:text><xsl:if test="@select-on-test">†</xsl:if>
            </li>
          </xsl:if>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="$all/s:top1/@n &lt; 2"><li>Heavier penalty: one seed decides nothing.</li></xsl:when>
      <xsl:otherwise><li>Heavier penalty: at no share removed were there fewer parameters at a top-1 shown to be equal.</li></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="said-moderate">
    <xsl:for-each select="s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels' and @amount &lt; 0.400001]/s:value[@name = 'top1-delta' and @stage = 'final']">
      <xsl:sort select="@mean" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <li>
          <xsl:text>Moderate pruning (at most 40 %), the best of </xsl:text>
          <xsl:value-of select="last()"/>
          <xsl:text>: </xsl:text>
          <xsl:apply-templates select=".." mode="what"/>
          <xsl:text>, </xsl:text>
          <xsl:call-template name="said-interval"/>
          <xsl:text>: accuracy </xsl:text>
          <b><xsl:apply-templates select=".." mode="raised"/></b>
          <xsl:text>.</xsl:text>
        </li>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="said-near-zero">
    <xsl:variable name="share" select="s:gamma/@near-zero"/>
    <xsl:variable name="below" select="s:schedule/s:row[@criterion-plugin = 'bn-scale' and not(@control) and @measure = 'channels' and @amount &lt; $share]/s:value[@name = 'top1-delta' and @stage = 'final']"/>
    <li>
      <xsl:value-of select="concat('Near zero (first of 128 bins) are ', format-number(100 * $share, '0.0'), ' % of γ; ')"/>
      <xsl:choose>
        <xsl:when test="not($below)">no share removed lies below that, so whether anything is lost there is not known.</xsl:when>
        <xsl:otherwise>
          <xsl:for-each select="$below">
            <xsl:sort select="@mean" data-type="number"/>
            <xsl:if test="position() = 1">
              <xsl:text>below that, at the worst: </xsl:text>
              <xsl:apply-templates select=".." mode="what"/>
              <xsl:text>, </xsl:text>
              <xsl:call-template name="said-interval"/>
              <xsl:text>: </xsl:text>
              <b><xsl:apply-templates select=".." mode="lost"/></b>
              <xsl:text>.</xsl:text>
            </xsl:if>
          </xsl:for-each>
        </xsl:otherwise>
      </xsl:choose>
    </li>
  </xsl:template>

  <!-- "+1.2 points, 95 % interval −0.3 to +2.7, n = 3 seeds" -->
  <xsl:template name="said-interval">
    <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template>
    <xsl:text> points, </xsl:text>
    <xsl:if test="@low">
      <xsl:text>95 % interval </xsl:text>
      <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @low"/></xsl:call-template>
      <xsl:text> to </xsl:text>
      <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @high"/></xsl:call-template>
      <xsl:text>, </xsl:text>
    </xsl:if>
    <xsl:value-of select="concat('n = ', @n, ' seed', substring('s', 1, @n != 1))"/>
  </xsl:template>

  <!-- "bn-scale, iterative, 40 %" -->
  <xsl:template match="s:row" mode="what">
    <xsl:apply-templates select="." mode="criterion"/>
    <xsl:value-of select="concat(', ', ../@label, ', ', format-number(100 * @amount, '0.#'), ' % removed')"/>
  </xsl:template>

  <!-- "+1.2 points" -->
  <xsl:template match="s:value" mode="difference">
    <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template>
    <xsl:text> points</xsl:text>
  </xsl:template>

  <!-- "± 0.8 over n = 3 seeds", "n = 1 seed (± 1.4 from the test images)" -->
  <xsl:template match="s:value" mode="error">
    <xsl:choose>
      <xsl:when test="@n &gt; 1"><xsl:value-of select="concat('± ', format-number(100 * @sd, '0.0'), ' over n = ', @n, ' seeds')"/></xsl:when>
      <xsl:otherwise>
        <xsl:text>n = 1 seed</xsl:text>
        <xsl:if test="@image-error"><xsl:value-of select="concat(' (± ', format-number(100 * @image-error, '0.0'), ' standard error of the test images)')"/></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
