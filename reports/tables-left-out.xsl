<?xml version="1.0" encoding="UTF-8"?>
<!-- Result documents that are in OUT/cells but in no table. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">

  <xsl:template name="left-out-table">
    <table name="left-out" kind="failures">
      <caption>Result documents that were left out</caption>
      <column name="document" title="Document"/>
      <column name="reason" title="It is"/>
      <column name="detail" title="Because"/>
      <xsl:for-each select="s:cells/s:left-out">
        <row>
          <cell document="{@document}"><xsl:value-of select="@file"/></cell>
          <cell><xsl:value-of select="@reason"/></cell>
          <cell><xsl:value-of select="."/></cell>
        </row>
      </xsl:for-each>
    </table>
  </xsl:template>
</xsl:stylesheet>
