/** An API for the suites, on which no limit by the minute is met, and what grounds on it have in common. */
import { keyTexts } from '../../src/api-keys/key-text.ts'
import { type ApiOptions, startApi } from '../http/api.ts'
import type { HeaderFields } from './ground.ts'

const DAY_MS = 86_400_000
/** Minutes pass so fast that nobody's are used up: keys and addresses are held to a number of requests in each. */
const HASTE = 1_000

export const bearer = (key: string): HeaderFields => ({ authorization: `Bearer ${key}` })

/** Well formed, and no key of any context. */
export const keyOfElsewhere = (): HeaderFields => bearer(keyTexts('elsewhere', ['']).generate('').key)

/** The last character is part of the check. */
export const mistyped = (key: string) => `${key.slice(0, -1)}_`

/** What a problem document says. */
export const problemOf = ({ code, request_id: requestId }: { code?: string; request_id?: string }) => ({
  code,
  requestId,
})
export const UUID = /^[0-9a-f-]{36}$/

export const startHastyApi = (options: Pick<ApiOptions, 'claimLimits'> = {}) =>
  startApi({
    ...options,
    limits: { authFailuresPerMinuteMax: 1_000_000, anonymousPerMinuteMax: 1_000_000 },
    noctant: { keyRotationGraceMs: DAY_MS },
    nowMs: () => performance.now() * HASTE,
  })
