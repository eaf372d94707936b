/**
 * Loaded with `--import` into a process whose clock is to be wrong: what Date tells is so many milliseconds off as the file
 * at CLOCK_SHIFT_FILE says, read again at each SIGUSR2. The monotonic clock and timers go on as they are, as they do on a
 * machine whose clock is set.
 */
import { readFileSync } from 'node:fs'

const file = process.env.CLOCK_SHIFT_FILE
if (file === undefined) throw new Error('CLOCK_SHIFT_FILE names the file with the shift')
const read = (): number => Number(readFileSync(file, 'utf8'))

const RightDate = Date
let shiftMs = read()
process.on('SIGUSR2', () => {
  shiftMs = read()
})
const now = (): number => RightDate.now() + shiftMs

globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RightDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
})
