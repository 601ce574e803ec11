<?xml version="1.0" encoding="UTF-8"?>
<!-- The figures of the report page with their captions, and the contact sheets of the data sets. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                exclude-result-prefixes="s">

  <xsl:template match="s:figure">
    <figure class="{@kind}" id="figure-{@name}">
      <div class="drawing" tabindex="0" role="group" aria-label="Drawing {@name}"><xsl:comment>figure <xsl:value-of select="@name"/></xsl:comment></div>
      <figcaption>
        <xsl:apply-templates select="." mode="caption"/>
        <span class="files">
          <xsl:text> </xsl:text>
          <a href="figures/{@name}.svg">SVG</a>
          <xsl:if test="contains($formats, 'pdf')">, <a href="figures/{@name}.pdf">PDF</a>, <a href="figures/{@name}.png">PNG</a></xsl:if>
          <xsl:text>, </xsl:text>
          <a href="data/{@name}.tsv">data</a>
        </span>
      </figcaption>
    </figure>
  </xsl:template>

  <xsl:template match="s:figure" mode="caption">
    <xsl:choose>
      <xsl:when test="@kind = 'gamma' and ../s:gamma-change">
        <xsl:variable name="change" select="../s:gamma-change"/>
        <xsl:if test="/s:summary/s:reference">4.2 </xsl:if>
        <xsl:value-of select="concat('Scale factors |γ| of ', ../@title, ': the ', format-number($change/s:before/@channels, '0.#'), ' channels before pruning, and the ', format-number($change/s:after/@channels, '0.#'), ' that were left (')"/>
        <xsl:value-of select="concat($change/@schedule, ', ', $change/@criterion, ', ')"/>
        <xsl:apply-templates select="$change" mode="share"/>
        <xsl:text> of </xsl:text>
        <xsl:call-template name="counted"><xsl:with-param name="measure" select="$change/@measure"/></xsl:call-template>
        <xsl:text> removed), in 128 bins, the first in orange. Above: per cent of the channels before; below: cumulated, per cent of the channels before and of those left. Mean over n = </xsl:text>
        <xsl:value-of select="$change/s:before/@n"/>
        <xsl:text> seed</xsl:text><xsl:if test="$change/s:before/@n != 1">s</xsl:if><xsl:text>.</xsl:text>
        <xsl:if test="$change/@select-on-test"> † Selected on the test split.</xsl:if>
        <xsl:if test="$change/@zero-gamma-beta"> ‡ Soft pruning zeroed γ and β.</xsl:if>
      </xsl:when>
      <xsl:when test="@kind = 'gamma'">
        <xsl:text>Distribution of the scale factors |γ| of all </xsl:text>
        <xsl:value-of select="format-number(../s:gamma/@channels, '0')"/>
        <xsl:text> channels before pruning, and the same cumulated; the first of 128 bins in another colour. Mean over n = </xsl:text>
        <xsl:value-of select="../s:gamma/@n"/>
        <xsl:text> seed</xsl:text><xsl:if test="../s:gamma/@n != 1">s</xsl:if><xsl:text>.</xsl:text>
        <xsl:if test="../s:schedule/s:baseline[@select-on-test]"> † The test split chose the unpruned network.</xsl:if>
      </xsl:when>
      <xsl:when test="@kind = 'panels'">
        <xsl:text>Final top-1, a column per schedule, against what was removed and what is left (sizes and latency on log axes); all panels have one vertical axis, those of a row one horizontal axis. Means, </xsl:text>
        <xsl:apply-templates select=".." mode="seeds"/>
        <xsl:apply-templates select=".." mode="panel-notes"/>
        <span class="files">
          <xsl:text> As figures of their own:</xsl:text>
          <xsl:for-each select="../s:schedule[s:figure[starts-with(@kind, 'accuracy')]]">
            <xsl:value-of select="concat(' ', @label, ' (')"/>
            <xsl:for-each select="s:figure[starts-with(@kind, 'accuracy')]">
              <xsl:if test="position() &gt; 1">, </xsl:if>
              <a href="figures/{@name}.svg"><xsl:value-of select="substring-after(@kind, 'accuracy-')"/></a>
            </xsl:for-each>
            <xsl:text>)</xsl:text>
            <xsl:if test="position() &lt; last()">,</xsl:if>
          </xsl:for-each>
          <xsl:text>; this one:</xsl:text>
        </span>
      </xsl:when>
      <xsl:when test="@kind = 'pareto'">
        <xsl:text>Final top-1 against parameters (log axis), a panel per schedule and variant; means, </xsl:text>
        <xsl:apply-templates select=".." mode="seeds"/>
        <xsl:text>. Grey steps: the Pareto front of all panels, the networks that no other beats in both. Rings: a panel's own networks on it</xsl:text>
        <xsl:apply-templates select=".." mode="panel-notes"/>
      </xsl:when>
      <xsl:when test="@kind = 'timeline'">
        <xsl:text>What each schedule ran for its highest share removed (one cell each, n = 1 seed): trainings blue with their epochs, counted through, prunings orange; below, top-1 on the test images after the step.</xsl:text>
        <xsl:apply-templates select=".." mode="mark-legend"/>
      </xsl:when>
      <xsl:when test="@kind = 'layers'">
        <xsl:text>Channels that each layer kept, in per cent of its width. Mean; </xsl:text>
        <xsl:apply-templates select=".." mode="seeds"/><xsl:text>.</xsl:text>
        <xsl:apply-templates select=".." mode="mark-legend"/>
      </xsl:when>
      <xsl:when test="@kind = 'revived'">
        <xsl:text>Channels that came back in each epoch of soft pruning, each criterion at its highest share removed. Mean; </xsl:text>
        <xsl:apply-templates select=".." mode="seeds"/><xsl:text>. All targets' sums are in the table of pruning steps.</xsl:text>
        <xsl:apply-templates select=".." mode="mark-legend"/>
      </xsl:when>
      <xsl:when test="@kind = 'curves'">
        <xsl:text>Training of one cell, </xsl:text><code><xsl:value-of select="@cell"/></code>
        <xsl:text>: loss and top-1 on the augmented training images and on the images that selection looks at (n = 1 seed). Dotted lines: where a stage begins.</xsl:text>
        <xsl:apply-templates select=".." mode="mark-legend"/>
      </xsl:when>
    </xsl:choose>
  </xsl:template>

  <!-- What is drawn in the panels besides -->
  <xsl:template match="s:section" mode="panel-notes">
    <xsl:choose>
      <xsl:when test="s:schedule/s:row[@n &gt; 2]">. Bars: 95 % intervals of the mean.</xsl:when>
      <xsl:otherwise>; with fewer than three seeds there are no intervals.</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="s:schedule/s:row/@collapsed"> Arrows at the lower edge: networks that collapsed.</xsl:if>
    <xsl:choose>
      <xsl:when test="s:schedule/s:baseline/s:value[@name = 'top1' and @stage = 'base']"> Dashed: the unpruned network.</xsl:when>
      <xsl:otherwise> No unpruned network trained in full was measured.</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="s:schedule/*/s:value[@name = 'median-ms' and @noisy]"> Latencies whose repeated measurements differ too much (§ in the tables) are left out.</xsl:if>
    <xsl:apply-templates select="." mode="mark-legend"/>
  </xsl:template>

  <xsl:template match="s:schedule | s:section" mode="mark-legend">
    <xsl:variable name="rows" select="self::s:schedule/s:row | self::s:section/s:schedule/s:row"/>
    <xsl:if test="$rows[@select-on-test]"> † Selected on the test split.</xsl:if>
    <xsl:if test="$rows[@zero-gamma-beta]"> ‡ Soft pruning zeroed γ and β.</xsl:if>
  </xsl:template>
  <!-- Contact sheets: one figure of samples and one of augmentation per data set -->

  <xsl:template name="samples">
    <xsl:variable name="sections" select="/s:summary/s:section"/>
    <xsl:variable name="datasets" select="$sections[not(@dataset = preceding-sibling::s:section/@dataset)]"/>
    <xsl:variable name="shown" select="$sections[s:samples and not(s:samples/@key = preceding-sibling::s:section/s:samples/@key)]"/>
    <xsl:variable name="missing" select="$datasets[not(@dataset = $sections[s:samples]/@dataset)]"/>
    <xsl:if test="$shown">
      <div class="figures">
        <xsl:apply-templates select="$shown" mode="samples"/>
      </div>
      <div class="figures small">
        <xsl:apply-templates select="$shown" mode="augmented"/>
      </div>
    </xsl:if>
    <xsl:if test="$missing">
      <p>
        <xsl:text>No sample images came with the results of </xsl:text>
        <xsl:for-each select="$missing">
          <xsl:choose>
            <xsl:when test="position() = 1"/>
            <xsl:when test="position() = last()"> and </xsl:when>
            <xsl:otherwise>, </xsl:otherwise>
          </xsl:choose>
          <xsl:value-of select="@dataset"/>
        </xsl:for-each>
        <xsl:text>.</xsl:text>
      </p>
    </xsl:if>
  </xsl:template>

  <!-- The data set; where variants of it look otherwise to the network, the section's title -->
  <xsl:template match="s:section" mode="sheets-of">
    <xsl:choose>
      <xsl:when test="../s:section[@dataset = current()/@dataset]/s:samples/@key != s:samples/@key"><xsl:value-of select="@title"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="@dataset"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="s:section" mode="samples">
    <xsl:variable name="of"><xsl:apply-templates select="." mode="sheets-of"/></xsl:variable>
    <figure class="samples" id="samples-{s:samples/@key}">
      <div class="drawing sheet">
        <ol aria-hidden="true"><xsl:for-each select="s:samples/s:class"><li><xsl:value-of select="."/></li></xsl:for-each></ol>
        <xsl:comment>picture samples.<xsl:value-of select="s:samples/@key"/></xsl:comment>
        <img width="{s:samples/@width}" height="{s:samples/@height}">
          <xsl:attribute name="alt">
            <xsl:value-of select="concat('Training images of ', $of, ', a class per row: ')"/>
            <xsl:for-each select="s:samples/s:class"><xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="."/></xsl:for-each>
          </xsl:attribute>
        </img>
      </div>
      <figcaption>
        <xsl:if test="/s:summary/s:reference">4.1 </xsl:if>
        <xsl:value-of select="concat('Sample images of ', $of, ': training images as the network sees them')"/>
        <xsl:if test="string(@image-size)"><xsl:value-of select="concat(' (', @image-size, ' × ', @image-size, ' pixels)')"/></xsl:if>
        <xsl:value-of select="concat('; ', count(s:samples/s:class), ' of ', s:data/@classes, ' classes, one per row.')"/>
        <span class="files"><xsl:text> </xsl:text><a href="figures/samples.{s:samples/@key}.png">PNG</a></span>
      </figcaption>
    </figure>
  </xsl:template>

  <xsl:template match="s:section" mode="augmented">
    <xsl:variable name="of"><xsl:apply-templates select="." mode="sheets-of"/></xsl:variable>
    <figure class="samples" id="augmented-{s:samples/@key}">
      <div class="drawing sheet">
        <xsl:comment>picture augmented.<xsl:value-of select="s:samples/@key"/></xsl:comment>
        <img width="{s:samples/@augmented-width}" height="{s:samples/@augmented-height}"
             alt="A training image of {$of}, first as it is, then as augmentation changed it"/>
      </div>
      <figcaption>
        <xsl:if test="/s:summary/s:reference">3.1 </xsl:if>
        <xsl:value-of select="concat('Augmentation on ', $of, ': the first image as it is evaluated, then the same as training saw it anew each time.')"/>
        <span class="files"><xsl:text> </xsl:text><a href="figures/augmented.{s:samples/@key}.png">PNG</a></span>
      </figcaption>
    </figure>
  </xsl:template>
</xsl:stylesheet>
