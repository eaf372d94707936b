import { expect, test } from 'vitest'
import { createJobWaits, waitOf } from '../../../src/http/firsthand/jobs/job-waits.ts'
import type { JobRow } from '../../../src/projections/firsthand/job.ts'

const MINUTE_MS = 60_000
const here = () => new AbortController().signal

test('a hundred requests of an organization wait, and further ones do not, until a place is free', () => {
  const waits = createJobWaits()
  const places = Array.from({ length: 100 }, (_, n) => waits.enter('acme', `job ${n % 3}`, MINUTE_MS, here())!)
  expect(places.every(Boolean)).toBe(true)
  expect(waits.enter('acme', 'job', MINUTE_MS, here())).toBeUndefined()
  const other = waits.enter('other', 'job', MINUTE_MS, here())
  expect(other).toBeDefined()
  places[0]?.leave()
  places[0]?.leave()
  expect(waits.waiting()).toBe(100)
  const next = waits.enter('acme', 'job', MINUTE_MS, here())
  expect(next).toBeDefined()
  for (const place of [...places, other, next]) place?.leave()
  expect(waits.waiting()).toBe(0)
})

test('five thousand wait in a process', () => {
  const waits = createJobWaits()
  const enter = (n: number) => waits.enter(`organization ${n}`, 'job', MINUTE_MS, here())
  const places = Array.from({ length: 5_000 }, (_, n) => enter(n))
  expect(places.every(Boolean)).toBe(true)
  expect(enter(5_000)).toBeUndefined()
  for (const place of places) place?.leave()
})

test('an end of the job, the client’s going and the process’s stop end the wait, each in its way', async () => {
  const waits = createJobWaits()
  const gone = new AbortController()
  const [ended, left, stopped] = [
    waits.enter('acme', 'a', MINUTE_MS, here())!,
    waits.enter('acme', 'b', MINUTE_MS, gone.signal)!,
    waits.enter('acme', 'c', MINUTE_MS, here())!,
  ]
  waits.apply([{ stream: 'firsthand.job-a', position: 7n }])
  gone.abort()
  waits.endAll()
  const ends = await Promise.all([ended.ended, left.ended, stopped.ended])
  expect(ends.map((end) => end?.position)).toStrictEqual([7n, undefined, undefined])
  for (const place of [ended, left, stopped]) place.leave()
  expect(waits.enter('acme', 'a', MINUTE_MS, here())).toBeUndefined()
})

test('all who wait for one end share one look at the job', async () => {
  const waits = createJobWaits()
  const places = Array.from({ length: 3 }, () => waits.enter('acme', 'a', MINUTE_MS, here())!)
  waits.apply([{ stream: 'firsthand.job-a', position: 7n }])
  let looks = 0
  const look = async () => {
    looks += 1
    return { job_id: 'a' } as JobRow
  }
  const shown = await Promise.all(places.map(async ({ ended }) => (await ended)?.shown(look)))
  expect(shown.every((row) => row === shown[0] && row?.job_id === 'a')).toBe(true)
  expect(looks).toBe(1)
  for (const place of places) place.leave()
})

test.each([
  [undefined, 0],
  ['', 0],
  ['wait=30', 30],
  ['WAIT = "5"', 5],
  ['respond-async, wait=10; x=1', 10],
  ['wait=30, respond-async', 30],
  ['wait=-1', 0],
  ['wait=1e9', 0],
  ['wait=7, wait=9', 7],
  ['wait=x, wait=9', 0],
  ['wait=99999999999999999999', 60],
  ['waiting=3', 0],
])('%s waits %i seconds', (prefer, seconds) => expect(waitOf(prefer)).toBe(seconds))
