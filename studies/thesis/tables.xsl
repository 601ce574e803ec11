<?xml version="1.0" encoding="UTF-8"?>
<!-- The tables of every report, and the study's. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:import href="../../reports/tables.xsl"/>
  <xsl:import href="study.xsl"/>
</xsl:stylesheet>
