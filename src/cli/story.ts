/** Events as sentences, each under a line of its time, its stream and whoever did it. */
import { createdAt } from '../audit/raw-log.ts'
import type { DescribedEvent } from '../audit/timeline.ts'
import { screenWidth, wrapped } from './screen.ts'
import { idShortener, shortTime } from './table.ts'
import { colours } from './terminal.ts'

export const actorOf = ({ metadata }: DescribedEvent): string => {
  if (!metadata) return ''
  const { kind, id, keyId } = metadata.actor
  return [kind, id, ...(keyId ? [`key ${keyId}`] : [])].join(' ')
}

/** The events of a page, of which no line is wider than the screen. */
export function storyOf(described: readonly DescribedEvent[]): string {
  const heads = described.map((one) => [one.raw.stream, actorOf(one)].join('\n'))
  const shorten = idShortener(heads)
  const width = screenWidth()
  const today = new Date().toISOString().slice(0, 10)
  return described
    .map((one) => {
      const { raw } = one
      const time = shortTime(createdAt(raw).toISOString(), today)
      const head = [time, `${shorten(raw.stream)} ${raw.revision}`, shorten(actorOf(one))].filter(Boolean).join('  ')
      return `${colours.dim(wrapped(head, width))}\n${wrapped(`  ${one.sentence}`, width)}`
    })
    .join('\n')
}
