/** W3C Trace Context, version 00: the ids of trace and span, and the flags. */
export const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
