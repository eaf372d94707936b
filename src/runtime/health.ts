/** What a part of an instance says of its health: an answer for readiness, and figures for Prometheus. */

export interface ProbeResult {
  up: boolean
  /** Figures and words about it: a lag, a kind, what went wrong. */
  [detail: string]: string | number | boolean | null
}

export interface Probe {
  name: string
  /** Without it the instance is not ready. */
  required: boolean
  check: () => Promise<ProbeResult>
}

/**
 * A figure that somebody else keeps. It is asked for at each scrape; undefined leaves it as it was, and so does a
 * failure, or an answer that takes longer than a scrape may: figures are wanted most while something is down.
 */
export interface GaugeSource {
  name: string
  help: string
  read: () => number | undefined | Promise<number | undefined>
}
