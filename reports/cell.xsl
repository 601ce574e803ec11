<?xml version="1.0" encoding="UTF-8"?>
<!-- The page of one cell, from its result document: results, stages, curves, layer widths, settings, provenance, log. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:r="urn:prunebench:result:1"
                xmlns:str="http://exslt.org/strings" exclude-result-prefixes="r str">
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <!-- The ids of the cells that differ in the seed alone, this one's too, a line each; whether there is a log -->
  <xsl:param name="seeds"/>
  <xsl:param name="log"/>
  <xsl:key name="option" match="r:config/r:option" use="@name"/>
  <xsl:key name="stage" match="r:epoch" use="@stage"/>
  <xsl:variable name="id" select="/r:cell/@id"/>
  <xsl:variable name="file" select="str:encode-uri($id, true())"/>

  <xsl:template match="r:cell">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="@id"/></title>
        <link rel="stylesheet" href="../report.css"/>
      </head>
      <body>
        <header>
          <p class="kicker"><a href="../index.html#cell={$file}">prunebench report</a> · cell</p>
          <h1><xsl:value-of select="@id"/></h1>
          <p class="lead"><xsl:call-template name="lead"/></p>
        </header>
        <main>
          <xsl:if test="r:failure/r:message"><p><b>Message</b>: <xsl:value-of select="r:failure/r:message"/></p></xsl:if>
          <p>
            <a href="../../cells/{$file}.xml">Result document</a>
            <xsl:if test="string($log)"> · <a href="../../logs/{$file}.log">Log</a></xsl:if>
            <xsl:call-template name="other-seeds"/>
          </p>
          <xsl:call-template name="accuracies"/>
          <xsl:call-template name="costs"/>
          <xsl:call-template name="stages"/>
          <xsl:call-template name="prunings"/>
          <xsl:call-template name="layers"/>
          <xsl:call-template name="settings"/>
          <xsl:call-template name="log-tail"/>
        </main>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="lead">
    <xsl:value-of select="concat('Status ', @status, ': ', key('option', 'criterion')/@value, ' under ', key('option', 'schedule')/@value, ' on ', key('option', 'dataset')/@value, ', ')"/>
    <xsl:value-of select="concat('target ', key('option', 'target')/@value, ', seed ', key('option', 'seed')/@value)"/>
    <xsl:if test="r:provenance/@seconds"><xsl:value-of select="concat('; ', r:provenance/@seconds, ' s')"/></xsl:if>
    <xsl:text>.</xsl:text>
  </xsl:template>

  <xsl:template name="other-seeds">
    <xsl:variable name="ids" select="str:tokenize($seeds, '&#10;')"/>
    <xsl:if test="count($ids) &gt; 1">
      <xsl:text> · Other seeds:</xsl:text>
      <xsl:for-each select="$ids[. != $id]">
        <xsl:text> </xsl:text><a href="{str:encode-uri(., true())}.html"><xsl:value-of select="."/></a>
      </xsl:for-each>
    </xsl:if>
  </xsl:template>

  <xsl:template name="percent">
    <xsl:param name="value"/>
    <xsl:if test="string(number($value)) != 'NaN'"><xsl:value-of select="format-number(100 * $value, '0.00')"/></xsl:if>
  </xsl:template>

  <xsl:template name="accuracies">
    <xsl:if test="r:accuracy">
      <h2>Accuracy</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Accuracy">
        <table>
          <thead><tr><th scope="col">Stage</th><th scope="col">Images</th><th scope="col" class="right">Top-1 <span class="unit">%</span></th><th scope="col" class="right">Top-5 <span class="unit">%</span></th><th scope="col" class="right">Loss</th><th scope="col" class="right">Number of images</th></tr></thead>
          <tbody>
            <xsl:for-each select="r:accuracy">
              <tr>
                <th scope="row"><xsl:value-of select="@stage"/></th>
                <td><xsl:value-of select="@split"/></td>
                <td class="right" title="{@top1}"><xsl:call-template name="percent"><xsl:with-param name="value" select="@top1"/></xsl:call-template></td>
                <td class="right" title="{@top5}"><xsl:call-template name="percent"><xsl:with-param name="value" select="@top5"/></xsl:call-template></td>
                <td class="right" title="{@loss}"><xsl:value-of select="format-number(@loss, '0.0000')"/></td>
                <td class="right"><xsl:value-of select="@images"/></td>
              </tr>
            </xsl:for-each>
          </tbody>
        </table>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template name="costs">
    <xsl:if test="r:cost | r:latency">
      <h2>Size and speed</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Size and speed">
        <table>
          <thead><tr><th scope="col">Network</th><th scope="col" class="right">Parameters</th><th scope="col" class="right">MACs per image</th><th scope="col" class="right">Bytes</th><th scope="col">Latency, median</th></tr></thead>
          <tbody>
            <xsl:for-each select="r:cost">
              <tr>
                <th scope="row"><xsl:value-of select="@stage"/></th>
                <td class="right"><xsl:value-of select="format-number(@params, '#,##0')"/></td>
                <td class="right"><xsl:value-of select="format-number(@macs, '#,##0')"/></td>
                <td class="right"><xsl:value-of select="format-number(@bytes, '#,##0')"/></td>
                <td>
                  <xsl:for-each select="../r:latency[@stage = current()/@stage]">
                    <xsl:if test="position() &gt; 1">; </xsl:if>
                    <xsl:value-of select="concat(format-number(@median-ms, '0.000'), ' ms at batch ', @batch)"/>
                    <xsl:if test="@noisy"> §</xsl:if>
                  </xsl:for-each>
                </td>
              </tr>
            </xsl:for-each>
          </tbody>
        </table>
      </div>
      <xsl:if test="r:latency/@noisy"><p class="note">§: repeated measurements differ too much, as on a busy machine.</p></xsl:if>
    </xsl:if>
  </xsl:template>

  <xsl:template name="stages">
    <xsl:if test="r:epoch">
      <h2>Training</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Stages">
        <table>
          <thead><tr><th scope="col">Stage</th><th scope="col" class="right">Epochs</th><th scope="col" class="right">Last loss</th><th scope="col" class="right">Last top-1 <span class="unit">%</span></th><th scope="col" class="right">Last validation top-1 <span class="unit">%</span></th><th scope="col" class="right">Time <span class="unit">s</span></th></tr></thead>
          <tbody>
            <xsl:for-each select="r:epoch[generate-id() = generate-id(key('stage', @stage)[1])]">
              <xsl:variable name="epochs" select="key('stage', @stage)"/>
              <tr>
                <th scope="row"><xsl:value-of select="@stage"/></th>
                <td class="right"><xsl:value-of select="count($epochs)"/></td>
                <td class="right"><xsl:value-of select="format-number($epochs[last()]/@loss, '0.0000')"/></td>
                <td class="right"><xsl:call-template name="percent"><xsl:with-param name="value" select="$epochs[last()]/@top1"/></xsl:call-template></td>
                <td class="right"><xsl:call-template name="percent"><xsl:with-param name="value" select="$epochs[last()]/@validation"/></xsl:call-template></td>
                <td class="right"><xsl:value-of select="format-number(sum($epochs/@seconds[number() = number()]), '0.0')"/></td>
              </tr>
            </xsl:for-each>
          </tbody>
        </table>
      </div>
      <xsl:if test="count(r:epoch) &gt; 1">
        <xsl:call-template name="curve">
          <xsl:with-param name="title" select="'Top-1 over all epochs, 0 to 100 %'"/>
          <xsl:with-param name="trained" select="r:epoch/@top1"/>
          <xsl:with-param name="checked" select="r:epoch/@validation"/>
          <xsl:with-param name="high" select="1"/>
        </xsl:call-template>
        <xsl:variable name="top"><xsl:for-each select="r:epoch/@loss | r:epoch/@validation-loss"><xsl:sort select="." data-type="number" order="descending"/><xsl:if test="position() = 1"><xsl:value-of select="."/></xsl:if></xsl:for-each></xsl:variable>
        <xsl:if test="$top &gt; 0">
          <xsl:call-template name="curve">
            <xsl:with-param name="title" select="concat('Loss over all epochs, 0 to ', format-number($top, '0.###'))"/>
            <xsl:with-param name="trained" select="r:epoch/@loss"/>
            <xsl:with-param name="checked" select="r:epoch/@validation-loss"/>
            <xsl:with-param name="high" select="$top"/>
          </xsl:call-template>
        </xsl:if>
      </xsl:if>
    </xsl:if>
  </xsl:template>

  <!-- Drawn here, because gnuplot would take minutes for the pages of a large run; the numbers are in the document -->
  <xsl:template name="curve">
    <xsl:param name="title"/>
    <xsl:param name="trained"/>
    <xsl:param name="checked"/>
    <xsl:param name="high"/>
    <xsl:variable name="wide" select="600 div (count($trained) - 1)"/>
    <figure class="plot">
      <svg viewBox="0 -2 600 154" preserveAspectRatio="none" role="img" aria-label="{$title}: on the training images (solid) and the validation images (dashed)" xmlns="http://www.w3.org/2000/svg">
        <polyline><xsl:attribute name="points"><xsl:apply-templates select="$trained" mode="point"><xsl:with-param name="wide" select="$wide"/><xsl:with-param name="high" select="$high"/></xsl:apply-templates></xsl:attribute></polyline>
        <polyline class="dashed"><xsl:attribute name="points"><xsl:apply-templates select="$checked" mode="point"><xsl:with-param name="wide" select="$wide"/><xsl:with-param name="high" select="$high"/></xsl:apply-templates></xsl:attribute></polyline>
      </svg>
      <figcaption><xsl:value-of select="$title"/>: training images solid, validation images dashed.</figcaption>
    </figure>
  </xsl:template>
  <xsl:template match="@*" mode="point">
    <xsl:param name="wide"/>
    <xsl:param name="high"/>
    <xsl:if test="number() = number() and . &lt;= $high">
      <xsl:value-of select="concat(format-number((position() - 1) * $wide, '0.#'), ',', format-number(150 * (1 - . div $high), '0.#'), ' ')"/>
    </xsl:if>
  </xsl:template>

  <xsl:template name="prunings">
    <xsl:if test="r:pruning | r:masking">
      <h2>Pruning steps</h2>
      <ul>
        <xsl:for-each select="r:pruning | r:masking">
          <li>
            <xsl:value-of select="concat(@stage, ', from ', @from, ': ', format-number(100 * @achieved, '0.##'), ' % gone')"/>
            <xsl:if test="number(@requested) = number(@requested)"><xsl:value-of select="concat(' (', format-number(100 * @requested, '0.##'), ' % asked)')"/></xsl:if>
            <xsl:if test="number(@threshold) = number(@threshold)"><xsl:value-of select="concat('; threshold ', @threshold)"/></xsl:if>
            <xsl:for-each select="r:warning">; <b>warning</b>: <xsl:value-of select="."/></xsl:for-each>
          </li>
        </xsl:for-each>
      </ul>
    </xsl:if>
  </xsl:template>

  <xsl:template name="layers">
    <xsl:if test="r:layer">
      <h2>Layer widths</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Layer widths">
        <table>
          <thead><tr><th scope="col">Layer</th><th scope="col" class="right">Channels</th><th scope="col" class="right">Kept</th><th scope="col" class="right">Kept <span class="unit">%</span></th><th scope="col">Share kept</th></tr></thead>
          <tbody>
            <xsl:for-each select="r:layer">
              <tr>
                <th scope="row"><xsl:value-of select="@name"/></th>
                <td class="right"><xsl:value-of select="@channels"/></td>
                <td class="right"><xsl:value-of select="@kept"/></td>
                <td class="right"><xsl:value-of select="format-number(100 * @kept div @channels, '0.0')"/></td>
                <td><span class="bar" style="width: {format-number(12 * @kept div @channels, '0.##')}rem"></span></td>
              </tr>
            </xsl:for-each>
          </tbody>
        </table>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template name="settings">
    <h2>Settings</h2>
    <dl class="facts">
      <xsl:for-each select="r:config/r:option">
        <dt><xsl:value-of select="@name"/></dt>
        <dd><xsl:value-of select="@value"/><xsl:if test="not(string(@value))">–</xsl:if></dd>
      </xsl:for-each>
    </dl>
    <xsl:if test="r:provenance/@*">
      <h2>Provenance</h2>
      <dl class="facts">
        <xsl:for-each select="r:provenance/@*">
          <dt><xsl:value-of select="name()"/></dt>
          <dd><xsl:value-of select="."/><xsl:if test="not(string(.))">–</xsl:if></dd>
        </xsl:for-each>
      </dl>
    </xsl:if>
  </xsl:template>

  <xsl:template name="log-tail">
    <xsl:if test="string(r:failure/r:log)">
      <h2>Last lines of the log</h2>
      <pre tabindex="0"><xsl:value-of select="r:failure/r:log"/></pre>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
