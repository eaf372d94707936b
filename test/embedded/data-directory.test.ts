import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DataDirectoryInUse, lockDataDirectory } from '../../src/embedded/data-directory.ts'
import { moduleUrl, type OwnerProcess, startOwner } from '../support/owner-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

let directory: TemporaryDirectory
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

function holder(path: string): Promise<OwnerProcess> {
  return startOwner(`
    import { lockDataDirectory } from ${moduleUrl('embedded/data-directory.ts')}
    globalThis.lock = lockDataDirectory(${JSON.stringify(path)})
    console.log('{}')
  `)
}

function refusal(path: string, waitMs: number): DataDirectoryInUse {
  try {
    lockDataDirectory(path, { waitMs }).release()
  } catch (error) {
    if (error instanceof DataDirectoryInUse) return error
    throw error
  }
  throw new Error('The directory was not locked')
}

test('creates the directory for its owner alone', () => {
  const path = join(directory.path, 'deep', 'data')
  const lock = lockDataDirectory(path)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  lock.release()
})

test('leaves the mode of a directory that exists alone', () => {
  chmodSync(directory.path, 0o750)
  lockDataDirectory(directory.path).release()
  expect(statSync(directory.path).mode & 0o777).toBe(0o750)
})

test('refuses a second instance, naming the first', async () => {
  const first = await holder(directory.path)
  try {
    const error = refusal(directory.path, 0)
    expect(error.pid).toBe(first.pid)
    expect(error.message).toContain(`Process ${first.pid} uses the data directory ${directory.path}`)
  } finally {
    await first.end('SIGKILL')
  }
})

test('refuses a second lock in the same process too', () => {
  const lock = lockDataDirectory(directory.path)
  expect(refusal(directory.path, 0).pid).toBe(process.pid)
  expect(refusal(directory.path, 0).pid).toBe(process.pid)
  lock.release()
})

test('is free at once after kill -9 of the holder', async () => {
  const first = await holder(directory.path)
  await first.end('SIGKILL')
  lockDataDirectory(directory.path, { waitMs: 0 }).release()
})

test('is free after release, which may be repeated', () => {
  const lock = lockDataDirectory(directory.path)
  lock.release()
  lock.release()
  expect(existsSync(join(directory.path, 'lock.pid'))).toBe(false)
  lockDataDirectory(directory.path, { waitMs: 0 }).release()
})

test('waits for a holder that is about to end', async () => {
  const first = await startOwner(`
    import { lockDataDirectory } from ${moduleUrl('embedded/data-directory.ts')}
    globalThis.lock = lockDataDirectory(${JSON.stringify(directory.path)})
    console.log('{}')
    setTimeout(() => process.exit(), 500)
  `)
  lockDataDirectory(directory.path, { waitMs: 10_000 }).release()
  await first.end('SIGKILL')
})
