import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { outcomeOf, retryAfterMs } from '../../src/webhooks/outcome.ts'
import type { WebhookAnswer } from '../../src/webhooks/request.ts'

const nowMs = Date.UTC(2026, 2, 2, 9)
const scheduleMs = loadConfig({}).WEBHOOK_RETRY_SCHEDULE_MS
const policy = { scheduleMs, jitterRatio: 0.2, retryAfterMaxMs: 86_400_000 }
const answered = (status: number, retryAfter?: string): WebhookAnswer => ({
  kind: 'answered',
  status,
  retryAfter,
  excerpt: 'x',
})
const failed = (errorClass: 'timeout' | 'interrupted' | 'url_refused'): WebhookAnswer => ({
  kind: 'failed',
  errorClass,
  message: 'm',
  status: null,
  excerpt: null,
})
const judged = (answer: WebhookAnswer, attempt = 1, random = 0) =>
  outcomeOf(answer, policy, { attempt, nowMs, random: () => random })
const waitOf = (answer: WebhookAnswer, attempt = 1, random = 0) =>
  Date.parse(judged(answer, attempt, random).nextAttemptAt ?? '') - nowMs

describe('an answer', () => {
  it.each([200, 201, 204, 299])('of %d is a success', (status) => {
    expect(judged(answered(status))).toMatchObject({ status: 'delivered', errorClass: null, nextAttemptAt: null })
  })
  it.each([
    [302, 'http_3xx'],
    [400, 'http_4xx'],
    [404, 'http_4xx'],
    [429, 'http_4xx'],
    [500, 'http_5xx'],
  ])('of %d is tried again', (status, errorClass) => {
    expect(judged(answered(status))).toMatchObject({ status: 'transient_fail', errorClass, responseStatus: status })
  })
  it('of 410 is final', () => {
    expect(judged(answered(410))).toMatchObject({ status: 'permanent_fail', errorClass: 'gone', nextAttemptAt: null })
  })
  it('that could not be had because of the URL is final', () => {
    expect(judged(failed('url_refused'))).toMatchObject({ status: 'permanent_fail', nextAttemptAt: null })
  })
})

describe('the schedule', () => {
  it('is the documented one, and ends in a dead letter', () => {
    const waits = scheduleMs.map((_, index) => waitOf(failed('timeout'), index + 1) / 1_000)
    expect(waits).toStrictEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400])
    const last = judged(failed('timeout'), scheduleMs.length + 1)
    expect(last).toMatchObject({ status: 'dead_letter', errorClass: 'timeout', nextAttemptAt: null })
  })
  it('has jitter, within its bounds', () => {
    expect(waitOf(answered(500), 2, 0.5)).toBe(330_000)
    expect(waitOf(answered(500), 2, 0.999_999)).toBeLessThanOrEqual(360_000)
  })
  it('waits as long as Retry-After asks, where that is longer, within a bound', () => {
    expect(waitOf(answered(503, '60'))).toBe(60_000)
    expect(waitOf(answered(503, '1'))).toBe(5_000)
    expect(waitOf(answered(503, new Date(nowMs + 90_000).toUTCString()))).toBe(90_000)
    expect(waitOf(answered(503, '999999999'))).toBe(86_400_000)
  })
  it('makes an interrupted attempt again at once, even the last', () => {
    expect(waitOf(failed('interrupted'))).toBe(0)
    expect(waitOf(failed('interrupted'), scheduleMs.length + 1)).toBe(0)
  })
  it.each([undefined, '', 'soon', '-5', '1.5', 'Mon, 01 Jan 2001 00:00:00 GMT'])('reads %s as no wish', (header) => {
    expect(retryAfterMs(header, nowMs)).toBe(0)
  })
})
