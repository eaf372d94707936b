/** What a caller can do about the kernel's refusals, and where every refusal's page is. */
import type { KernelCode } from './errors.ts'

/** The page of a code; every refusal links to it (Link, rel=help). */
export const helpPath = (code: string): string => `/docs/problems/${code}`

export const kernelHelp: Readonly<Record<KernelCode, string>> = {
  parameter_invalid:
    'A parameter of the path, the query or a header does not have its form. The refusal names it; correct it and send the request again.',
  validation_failed:
    'A member of the body is missing or does not have its form. The refusal names up to 20 of them, each with what it must be.',
  malformed_json:
    'The body is not JSON as this API takes it: well-formed, UTF-8, no name twice, no number that would be rounded, not nested too deep.',
  malformed_request: 'The request cannot be read: look at the address’s percent-encoding and at headers sent twice.',
  credential_missing: 'No key came with the request. Send an API key: `Authorization: Bearer …`.',
  credential_invalid:
    'The key is unknown, mistyped, ended or revoked. Compare its prefix with the keys that you hold, or issue another. Many such requests are refused with 429.',
  credential_elsewhere: 'The key is good, but for another API of this instance. Look at the first part of the path.',
  scope_missing: 'The key may not do this. The refusal names the scope; issue a key that has it.',
  route_not_found: 'No operation has this path. Compare it with the document under /docs.',
  method_not_allowed: 'The path exists and takes other methods: the header `Allow` names them.',
  idempotency_key_reused:
    'The key stands for an earlier request with other content, whose answer stands. Use a new key for a new request; repeat an old one unchanged.',
  concurrent_change:
    'Others changed the same thing at the same time, several times over. Nothing was written. Send the same request again.',
  person_forgotten: 'The user’s data was erased on request, for good. Nothing can be done for this user any more.',
  body_too_large: 'The body is larger than the operation takes. The document and the settings name the bounds.',
  content_type_unsupported: 'Send the body as `Content-Type: application/json`, without content encoding.',
  append_too_large: 'The change would be larger than the event store takes. Send less content.',
  upgrade_failed: 'The handshake is not that of RFC 6455: use a WebSocket library, and look at what stands in between.',
  upgrade_required: 'The address is a WebSocket: open it with an upgrade.',
  rate_limit_exceeded:
    'More was asked than may be asked in this time. Wait as many seconds as `Retry-After` says. `RateLimit-Remaining` shows in time what is left of the requests a minute. ' +
    'The refusal says where something else is bounded: requests at a time, or the time that they take together.',
  internal_error:
    'The fault is on this side. A write may or may not have happened: send it again under the same key. Report the request id if it stays.',
  append_refused:
    'The event store does not take the change, and would not take it again. Nothing was written. Report the request id.',
  event_store_mismatch:
    'The instance is connected to another event log than its database belongs to, and answers nothing until that is put right.',
  dependency_unavailable:
    'The event store, Postgres or another service does not answer. Send the same request, with the same key, after `Retry-After`.',
  read_model_behind:
    'The read models did not reach the position that you named in time. Send the same request again, or leave the position out.',
}
