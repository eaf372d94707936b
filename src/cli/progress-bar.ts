/**
 * Progress of work over the log, on standard error: a bar with rate and time left where somebody looks, a plain line
 * now and then where the output goes to a file or another program.
 */
import { Presets, SingleBar } from 'cli-progress'

export interface LogProgress {
  /** Positions are commit positions; the share done is their quotient. */
  update(progress: { position: bigint; target: bigint; events: number }): void
  stop(): void
}

const LINE_INTERVAL_MS = 2_000

/** Share of a range of positions, 0 to 1. They are byte offsets, of which a double keeps more than enough here. */
const shareOf = (position: bigint, target: bigint): number =>
  target <= 0n ? 1 : Math.min(1, Number((position * 10_000n) / target) / 10_000)

export const duration = (ms: number): string => {
  if (!Number.isFinite(ms)) return '?'
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function showProgress(title: string, stream: NodeJS.WriteStream = process.stderr): LogProgress {
  const isLive = stream.isTTY === true && process.env.TERM !== 'dumb'
  const startedMs = performance.now()
  let lastLineMs = startedMs
  const format = `${title} {bar} {percentage}% | {count} events | {rate}/s | {left} left`
  const bar = isLive ? new SingleBar({ format, stream, clearOnComplete: true }, Presets.shades_classic) : undefined
  bar?.start(10_000, 0, { count: 0, rate: 0, left: '?' })
  /** Where the first report stood: what an earlier run has done says nothing of this one's pace. */
  let first: number | undefined

  return {
    update({ position, target, events }) {
      const share = shareOf(position, target)
      first ??= share
      const elapsedMs = performance.now() - startedMs
      const rate = Math.round(events / (elapsedMs / 1000))
      const left = share >= 1 ? '0 s' : duration((elapsedMs / (share - first)) * (1 - share))
      bar?.update(Math.round(share * 10_000), { count: events, rate, left })
      if (bar || performance.now() - lastLineMs < LINE_INTERVAL_MS) return
      lastLineMs = performance.now()
      stream.write(`${title}: ${Math.floor(share * 100)} %, ${events} events, ${rate}/s, ${left} left\n`)
    },
    stop: () => bar?.stop(),
  }
}
