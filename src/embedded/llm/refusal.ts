/** An answer that is an error, in whichever format the path belongs to. */
export class SimulatorRefusal extends Error {
  readonly status: number
  /** Undefined: the one that goes with the status. */
  readonly type: string | undefined
  constructor(status: number, type: string | undefined, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

export const invalid = (message: string) => new SimulatorRefusal(400, 'invalid_request_error', message)

const ANTHROPIC_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

export function refusalBody(
  isAnthropic: boolean,
  { status, type, message }: { status: number; type?: string | undefined; message: string },
): string {
  if (isAnthropic) {
    const named = ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
    return JSON.stringify({ type: 'error', error: { type: named, message } })
  }
  const named = type ?? (status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error')
  const code = status === 401 ? 'invalid_api_key' : status === 429 ? 'rate_limit_exceeded' : null
  return JSON.stringify({ error: { message, type: named, param: null, code } })
}

export type Members = Record<string, unknown>
export const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
export const listOf = (value: unknown): Members[] => (Array.isArray(value) ? value.map(membersOf) : [])
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
