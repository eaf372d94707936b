/** What the document says of the headers with which calls of models are answered. */
const run = {
  'X-Rungate-Run-Id': 'The run that the call belongs to.',
  'X-Rungate-Step-Id': 'The call’s step in the run.',
}
const fallback = {
  'X-Rungate-Policy-Fallback': 'The policy that was asked for in vain, percent-encoded; the agent’s own holds.',
  'X-Rungate-Policy-Fallback-Reason': 'Why: `not_found` or `not_allowed`.',
}
const remaining = {
  'X-Rungate-Budget-Remaining-Usd':
    'US dollars that are left of the run’s hard limit, what is set aside counted as spent. Absent without such a limit.',
  'X-Rungate-Budget-Remaining-Tokens': 'The same in tokens.',
}
const served = {
  'X-Rungate-Provider': 'Who served the call; what is not plain ASCII is percent-encoded.',
  'X-Rungate-Model': 'The model that served it.',
  'X-Rungate-Model-Override': 'The model that was asked for, where the policy has replaced it.',
  'X-Rungate-Output-Clamped':
    'The output tokens that the provider was told not to pass, so that the budget pays for them.',
  'X-Rungate-Dry-Run': '`true`: the policy answers by itself, and no provider was asked.',
}
const spent = {
  'X-Rungate-Tokens-Used': 'Tokens of the call, of all four buckets. Of a stream it comes as a trailer.',
  'X-Rungate-Cost-Usd': 'What the call has cost, in US dollars, to the last digit. Of a stream it comes as a trailer.',
}
const stream = {
  Trailer: 'Of a stream: the headers that follow behind its end.',
  'Cache-Control': 'Of a stream: `no-cache`.',
  'Request-Id': 'The provider’s own id of the request, where it has named one.',
}
const again = { 'Retry-After': 'Seconds to wait before the request is sent again.' }
const noRetry = { 'X-Should-Retry': '`false`: sending the same request again leads to the same answer.' }

const help = { Link: 'With `rel="help"`: the page that explains the refusal and what to do about it.' }

const refused = { ...run, ...fallback, ...again, ...noRetry }
/** The provider refuses what the client asks for: what served headers say holds of it as well. */
const passedOn = { ...refused, ...remaining, ...served }

/** By status; of every other one there are none but the kernel’s. */
export const callHeaders = {
  200: { ...run, ...served, ...spent, ...remaining, ...fallback, ...stream },
  202: { ...run, ...fallback, ...again },
  ...{ 413: passedOn, 415: passedOn },
  ...{ 400: { ...passedOn, ...help }, 404: { ...passedOn, ...help }, 409: { ...passedOn, ...help } },
  ...{ 402: { ...refused, ...help }, 403: { ...refused, ...help }, 429: { ...refused, ...help } },
  ...{ 502: { ...refused, ...remaining, ...help }, 503: { ...fallback, ...again } },
} as const satisfies Readonly<Record<number, Readonly<Record<string, string>>>>
