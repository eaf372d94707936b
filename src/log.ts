/**
 * The log: JSON lines in a file of the data directory, or on standard output. A log that cannot be written, as on a full
 * disk, does not end the process: its lines wait, and beyond a bound they are dropped.
 */
import { join } from 'node:path'
import { destination, type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** Of lines that wait for a disk that has no room; further ones are lost. */
const WAITING_MAX_BYTES = 4 * 1_048_576

/** What any part writes its log lines through; pino's logger fits. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface OpenedLog {
  log: Logger
  /** The file's path, or `-`. */
  place: string
}

/**
 * Resolves when the log is open, or cannot be opened, which is said on standard error. `mixin` gives members that every line
 * has, where there are any.
 */
export async function openLog(
  config: Pick<Config, 'DATA_DIR' | 'LOG_FILE' | 'LOG_LEVEL'>,
  mixin?: () => object,
): Promise<OpenedLog> {
  const place = config.LOG_FILE ?? join(config.DATA_DIR, 'opslog.log')
  const where = place === '-' ? { fd: 1 } : { dest: place, mkdir: true }
  const target = destination({ ...where, sync: false, maxLength: WAITING_MAX_BYTES })
  let isLost = false
  target.on('error', (error: Error) => {
    if (!isLost) process.stderr.write(`opslog: the log cannot be written: ${error.message}\n`)
    isLost = true
  })
  target.on('write', () => {
    if (isLost) process.stderr.write('opslog: the log is written again\n')
    isLost = false
  })
  // A process that ends before its log is open would end with an error of the log's.
  await new Promise<void>((resolve) => {
    target.once('ready', resolve)
    target.once('error', () => resolve())
  })
  const options = { level: config.LOG_LEVEL, base: { pid: process.pid }, ...(mixin && { mixin }) }
  return { log: pino(options, target), place }
}
