<?xml version="1.0" encoding="UTF-8"?>
<!-- What the study adds to a report: the published tables filled from the run, and the claims. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1"
                xmlns="urn:prunebench:tables:1" exclude-result-prefixes="s">
  <xsl:import href="tables-results.xsl"/>
  <xsl:import href="tables-setup.xsl"/>
  <xsl:import href="claims.xsl"/>

  <xsl:template name="study-tables">
    <xsl:call-template name="claims-tables"/>
    <xsl:call-template name="thesis-tables"/>
  </xsl:template>
</xsl:stylesheet>
