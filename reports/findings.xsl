<?xml version="1.0" encoding="UTF-8"?>
<!-- What the numbers say, per data set: the unpruned network, the best and the smallest good pruned one, the criteria against the
     random control, what collapsed. Only finite, unmarked figures of networks that did not collapse become a finding. -->
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
            <xsl:if test="s:schedule/s:row/@without-baseline"><li><xsl:apply-templates select="." mode="baseline-note"/></li></xsl:if>
            <xsl:choose>
              <xsl:when test="s:schedule/s:row/s:value[@name = 'params' and @stage = 'pruned'] and s:schedule/s:baseline/@near-chance">
                <li>The unpruned network itself is near chance (at most two standard errors of the test images above it), so nothing can be said about pruning it.</li>
              </xsl:when>
              <xsl:when test="s:schedule/s:row/s:value[@name = 'params' and @stage = 'pruned']">
                <xsl:apply-templates select="s:best"/>
                <xsl:call-template name="smallest"/>
                <xsl:apply-templates select="s:schedule" mode="against-control"/>
                <xsl:call-template name="collapsed"/>
                <xsl:call-template name="said-compared"/>
                <xsl:call-template name="study-findings"/>
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

  <!-- A study's own sentences about a section: list items -->
  <xsl:template name="study-findings"/>

  <!-- The highest accuracy after pruning, called the best only where seeds distinguish it -->
  <xsl:template match="s:best">
    <xsl:variable name="row" select="../s:schedule[@id = current()/@schedule]/s:row[@criterion = current()/@criterion and @target = current()/@target and @measure = current()/@measure]"/>
    <xsl:variable name="delta" select="$row/s:value[@name = 'top1-delta' and @stage = 'final']"/>
    <li>
      <xsl:choose>
        <xsl:when test="@verdict = 'best'">Best after pruning: </xsl:when>
        <xsl:otherwise>Highest after pruning: </xsl:otherwise>
      </xsl:choose>
      <b><xsl:value-of select="format-number(100 * $row/s:value[@name = 'top1' and @stage = 'final']/@mean, '0.0')"/> %</b>
      <xsl:text> with </xsl:text>
      <xsl:apply-templates select="$row" mode="what"/>
      <xsl:if test="$delta">
        <xsl:text> (</xsl:text><xsl:apply-templates select="$delta" mode="difference"/><xsl:text> to unpruned)</xsl:text>
      </xsl:if>
      <xsl:if test="@candidates &gt; 1"><xsl:value-of select="concat(', chosen from ', @candidates, ' rows')"/></xsl:if>
      <xsl:apply-templates select="." mode="told"><xsl:with-param name="row" select="$row"/></xsl:apply-templates>
    </li>
  </xsl:template>
  <xsl:template match="s:best" mode="told">
    <xsl:param name="row"/>
    <xsl:variable name="next" select="concat(@next-criterion, ' under ', ../s:schedule[@id = current()/@next-schedule]/@label)"/>
    <xsl:variable name="image" select="$row/s:value[@name = 'top1' and @stage = 'final']/@image-error"/>
    <xsl:choose>
      <xsl:when test="@verdict = 'best'">
        <xsl:text>: distinguished from random (p = </xsl:text><xsl:call-template name="p"><xsl:with-param name="p" select="@p-control"/></xsl:call-template><xsl:text>)</xsl:text>
        <xsl:if test="@p-next"><xsl:value-of select="concat(' and from the next, ', $next, ' (p = ')"/><xsl:call-template name="p"><xsl:with-param name="p" select="@p-next"/></xsl:call-template><xsl:text>)</xsl:text></xsl:if>
        <xsl:value-of select="concat('; paired t test over n = ', $row/@n, ' seeds, p corrected for the choice.')"/>
      </xsl:when>
      <xsl:when test="@verdict = 'few-seeds' and $row/@n = 1">
        <xsl:text>. With one seed nothing can be distinguished by seeds</xsl:text>
        <xsl:if test="$image"><xsl:value-of select="concat(' (± ', format-number(100 * $image, '0.0'), ' points standard error of the test images)')"/></xsl:if>
        <xsl:text>.</xsl:text>
      </xsl:when>
      <xsl:when test="@verdict = 'few-seeds'">. Fewer than three seeds are too few to distinguish it from random or from the next.</xsl:when>
      <xsl:when test="@verdict = 'no-control'">. No random control was run beside it, so it is not called the best.</xsl:when>
      <xsl:when test="@verdict = 'unlike'">. The control or the next method removed another share, so it is not called the best.</xsl:when>
      <xsl:when test="@verdict = 'control'">
        <xsl:text>. Not distinguished from random (p = </xsl:text><xsl:call-template name="p"><xsl:with-param name="p" select="@p-control"/></xsl:call-template>
        <xsl:text>, corrected for the choice).</xsl:text>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="concat('. Not distinguished from the next, ', $next, ' (p = ')"/><xsl:call-template name="p"><xsl:with-param name="p" select="@p-next"/></xsl:call-template>
        <xsl:text>, corrected for the choice).</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template name="p">
    <xsl:param name="p"/>
    <xsl:choose>
      <xsl:when test="$p &lt; 0.001">below 0.001</xsl:when>
      <xsl:otherwise><xsl:value-of select="format-number($p, '0.000')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Networks that collapsed, by name -->
  <xsl:template name="collapsed">
    <xsl:variable name="rows" select="s:schedule/s:row[@collapsed]"/>
    <xsl:if test="$rows">
      <li>
        <b>Collapsed</b>
        <xsl:text> (near chance, or less than half of the unpruned network's accuracy above chance): </xsl:text>
        <xsl:for-each select="$rows">
          <xsl:if test="position() &lt;= 12">
            <xsl:if test="position() &gt; 1">; </xsl:if>
            <xsl:apply-templates select="." mode="what"/>
            <xsl:value-of select="concat(': ', format-number(100 * s:value[@name = 'top1' and @stage = 'final']/@mean, '0.0'), ' %, ', @collapsed, ' of ', @n, ' seed', substring('s', 1, @n != 1))"/>
          </xsl:if>
        </xsl:for-each>
        <xsl:if test="count($rows) &gt; 12"><xsl:value-of select="concat('; and ', count($rows) - 12, ' more')"/></xsl:if>
        <xsl:text>.</xsl:text>
      </li>
    </xsl:if>
  </xsl:template>

  <!-- The fewest parameters at no more than one point of loss -->
  <xsl:template name="smallest">
    <xsl:variable name="good" select="s:schedule/s:row[not(@collapsed) and s:value[@name = 'top1-delta' and @stage = 'final' and @mean &gt;= -0.0100001] and s:value[@name = 'params-reduction' and @mean &gt;= 0.005]]"/>
    <xsl:choose>
      <xsl:when test="not($good)">
        <xsl:if test="s:schedule/s:row/s:value[@name = 'top1-delta']"><li>No smaller network stays within one point of the unpruned one.</li></xsl:if>
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
              <xsl:if test="s:value[@name = 'macs-reduction']/@mean &gt;= 0.005">
                <xsl:value-of select="concat(', ', format-number(100 * s:value[@name = 'macs-reduction']/@mean, '0'), ' % fewer MACs')"/>
              </xsl:if>
              <xsl:apply-templates select="." mode="speed-up"/>
              <xsl:text>, at </xsl:text>
              <xsl:apply-templates select="s:value[@name = 'top1-delta' and @stage = 'final']" mode="difference"/>
              <xsl:value-of select="concat(' (n = ', @n, ' seed', substring('s', 1, @n != 1), ').')"/>
            </li>
          </xsl:if>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <!-- ", 2.2× as fast at batch 1": from the smallest batch, where no latency behind it is marked -->
  <xsl:template match="s:row" mode="speed-up">
    <xsl:variable name="row" select="."/>
    <xsl:for-each select="s:value[@name = 'speed-up' and @mean &gt;= 0.1 and @mean &lt; 1000000]">
      <xsl:sort select="@batch" data-type="number"/>
      <xsl:if test="position() = 1 and not($row/s:value[@name = 'median-ms' and @noisy and @batch = current()/@batch])">
        <xsl:choose>
          <xsl:when test="@mean &gt;= 1.05"><xsl:value-of select="concat(', ', format-number(@mean, '0.0'), '× as fast at batch ', @batch)"/></xsl:when>
          <xsl:otherwise><xsl:value-of select="concat(', not faster at batch ', @batch, ' (', format-number(@mean, '0.00'), '×)')"/></xsl:otherwise>
        </xsl:choose>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- The highest criterion against the control, at the highest share where one has not collapsed and removed as much -->
  <xsl:template match="s:schedule" mode="against-control">
    <xsl:variable name="label" select="@label"/>
    <xsl:variable name="fit" select="s:comparison[@control and not(@unlike) and not(@collapsed)]"/>
    <xsl:variable name="last" select="$fit[last()]"/>
    <xsl:if test="s:comparison[@control] and not($fit)">
      <li><xsl:value-of select="concat($label, ': no criterion can be set against random; each collapsed or removed another share.')"/></li>
    </xsl:if>
    <xsl:for-each select="$fit[@target = $last/@target and @measure = $last/@measure]">
      <xsl:sort select="@mean" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <xsl:variable name="row" select="../s:row[@target = current()/@target and @measure = current()/@measure and @criterion = current()/@a]"/>
        <xsl:variable name="of" select="count(../s:comparison[@control and @target = current()/@target and @measure = current()/@measure and @b = current()/@b])"/>
        <li>
          <xsl:value-of select="concat($label, ', ')"/>
          <xsl:apply-templates select="$row" mode="share"/>
          <xsl:text> removed: </xsl:text>
          <xsl:value-of select="@a"/><xsl:apply-templates select="$row" mode="mark"/>
          <xsl:value-of select="concat(' against ', @b, ' ')"/>
          <xsl:if test="@redraw = 'each-scoring'">(drawn anew every epoch) </xsl:if>
          <xsl:if test="@redraw = 'once'">(one mask for the whole training) </xsl:if>
          <b><xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @mean"/></xsl:call-template> points</b>
          <xsl:apply-templates select="." mode="against"><xsl:with-param name="of" select="$of"/></xsl:apply-templates>
        </li>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>
  <xsl:template match="s:comparison" mode="against">
    <xsl:param name="of"/>
    <xsl:variable name="corrected" select="$of * @p"/>
    <xsl:choose>
      <xsl:when test="@n &gt; 2">
        <xsl:text> (95 % interval </xsl:text>
        <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @low"/></xsl:call-template>
        <xsl:text> to </xsl:text>
        <xsl:call-template name="signed"><xsl:with-param name="value" select="100 * @high"/></xsl:call-template>
        <xsl:value-of select="concat(', n = ', @n, ' seeds')"/>
        <xsl:if test="@p">
          <xsl:text>; p = </xsl:text>
          <xsl:call-template name="p"><xsl:with-param name="p" select="$corrected * ($corrected &lt;= 1) + ($corrected &gt; 1)"/></xsl:call-template>
          <xsl:if test="$of &gt; 1"><xsl:value-of select="concat(', corrected for the best of ', $of)"/></xsl:if>
        </xsl:if>
        <xsl:text>)</xsl:text>
        <xsl:choose>
          <xsl:when test="not($corrected &lt;= 0.05)">: not distinguished.</xsl:when>
          <xsl:when test="@mean &gt; 0">: better.</xsl:when>
          <xsl:otherwise>: worse.</xsl:otherwise>
        </xsl:choose>
      </xsl:when>
      <xsl:when test="@n = 2"> (n = 2 seeds: too few to distinguish the two).</xsl:when>
      <xsl:otherwise>
        <xsl:text> (n = 1 seed: nothing can be distinguished by seeds; ± </xsl:text>
        <xsl:value-of select="concat(format-number(100 * @image-error, '0.0'), ' points standard error of the test images).')"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The comparisons that the matrix declares, in a sentence each -->
  <xsl:template name="said-compared">
    <xsl:for-each select="../s:compared[@section = current()/@id]">
      <xsl:if test="not(preceding-sibling::s:compared[@section = current()/@section and @id = current()/@id])">
        <xsl:apply-templates select="." mode="said"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>
  <xsl:template match="s:compared" mode="said">
    <xsl:variable name="all" select="../s:compared[@section = current()/@section and @id = current()/@id]"/>
    <xsl:variable name="about" select="concat(@variant, ' against ', @with)"/>
    <xsl:variable name="fewer" select="$all[@verdict = 'fewer']"/>
    <xsl:choose>
      <xsl:when test="$fewer">
        <xsl:for-each select="$fewer">
          <xsl:sort select="s:variant/@params" data-type="number"/>
          <xsl:sort select="@against"/>
          <xsl:if test="position() = 1">
            <li>
              <xsl:value-of select="concat($about, ', ', @schedule, ', ')"/>
              <xsl:apply-templates select="s:variant" mode="share"/>
              <xsl:text> removed: </xsl:text>
              <b><xsl:value-of select="concat(format-number(-100 * s:params/@mean, '0'), ' % fewer parameters')"/></b>
              <xsl:value-of select="concat(' than ', @with, ' (')"/>
              <xsl:apply-templates select="s:with" mode="share"/>
              <xsl:value-of select="concat(' removed; head ', format-number(s:with/@params-head, '#,##0'), ' → ', format-number(s:variant/@params-head, '#,##0'), ', trunk ', format-number(s:with/@params-trunk, '#,##0'), ' → ', format-number(s:variant/@params-trunk, '#,##0'), ')')"/>
              <xsl:text> at equal top-1 (</xsl:text>
              <xsl:for-each select="s:top1"><xsl:call-template name="said-interval"/></xsl:for-each>
              <xsl:text>).</xsl:text><xsl:if test="@select-on-test">†</xsl:if>
            </li>
          </xsl:if>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="$all/s:top1/@n &lt; 2"><li><xsl:value-of select="$about"/>: one seed decides nothing.</li></xsl:when>
      <xsl:when test="$all/s:top1/@n &lt; 3"><li><xsl:value-of select="$about"/>: two seeds decide nothing.</li></xsl:when>
      <xsl:otherwise><li><xsl:value-of select="$about"/>: at no share removed were there fewer parameters at a top-1 shown to be equal.</li></xsl:otherwise>
    </xsl:choose>
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

  <!-- "bn-scale, iterative, 39.9 % removed" -->
  <xsl:template match="s:row" mode="what">
    <xsl:apply-templates select="." mode="criterion"/>
    <xsl:value-of select="concat(', ', ../@label, ', ')"/>
    <xsl:apply-templates select="." mode="share"/>
    <xsl:text> removed</xsl:text>
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
