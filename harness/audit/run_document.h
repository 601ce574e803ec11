/* What a run is as a whole, as a document that rules look at. */
#ifndef PB_AUDIT_RUN_DOCUMENT_H
#define PB_AUDIT_RUN_DOCUMENT_H

#include "summary/summary.h"

#define PB_AUDIT_RUN_NAMESPACE "urn:prunebench:run:1"

/*
 * <run matrix="…" listed="true">          listed: the folder says which cells its matrix has
 *   <listed id="…" document="true"/>      a cell of the matrix; document: it has a result document
 *   <unreadable file="…"/> <left-out file="…" reason="…"/>
 *   <schedule dataset="…" model="…" backend="…" variant="…" schedule="…">
 *     <target target="…" measure="…" amount="…">
 *       <row criterion="…" control="true" removed-min="…" removed-max="…" rounding="…" off-target="true">
 *         <cell id="…" seed="…" status="ok" …/>   with every provenance entry of its document
 *
 * Flags that are false and numbers that are not known are left out. text: out's document is appended to it.
 */
PB_MUST_CHECK enum pb_status pb_audit_run_document(const char *out, const struct pb_summary *summary,
                                                   struct pb_text *text, struct pb_error *error);

#endif
