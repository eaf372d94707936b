/**
 * What the overview says to auditors: how far they have verified the log and when, what they have read last, and the last
 * seal. It looks at their own readings and at seals alone, so that nothing of it is a reading that goes on record.
 */
import { html } from 'hono/html'
import { isGenuine, readSeals } from '../../../audit/seal.ts'
import { sentenceOf } from '../../../audit/sentences.ts'
import type { ReadingEvent } from '../../../events/audit/reading.ts'
import type { Recorded } from '../../../events/event.ts'
import type { Asked, Card, Markup } from '../../pages/declaration.ts'
import { link, pathOf, said, state, time } from '../../pages/markup.ts'
import type { AuditParts } from '../access.ts'
import { seesEverything, shownPosition, withoutPositions } from '../positions.ts'
import { auditorOf, readerOf } from './reader.ts'

type Audit = Asked<AuditParts>

/** Among so many of the last readings a verification is looked for. */
const LOOKED_AT_MAX = 200
const READINGS_SHOWN_MAX = 5

/** Of all that the key opens, and not of one stream or category. */
const isVerification = ({ data }: Recorded<ReadingEvent>): boolean =>
  'category' in data && data.category === null && data.stream === null

/** The reading in a sentence, without positions for those who may not see them. */
function sayingOf(asked: Audit, { type, data }: Recorded<ReadingEvent>): Markup {
  const shown = withoutPositions(readerOf(asked), type, data) as ReadingEvent['data']
  return html`${time(data.occurredAt)} ${said(sentenceOf({ type, data: shown }, asked.parts.log.registry.sentences))}`
}

const readingsCard: Card<AuditParts> = {
  ...{ title: 'Your readings', audience: ['auditor'] },
  async view(asked: Audit) {
    const { keyId } = auditorOf(asked)
    const readings = await asked.parts.recorder.last(keyId, LOOKED_AT_MAX)
    const verified = readings.find(isVerification)
    const upTo = verified?.data.upTo
    return {
      content: html`<p>${
        verified === undefined
          ? html`You have not verified the log lately: <code>GET /audit/v1/verifications?all</code>.`
          : html`Verified ${upTo ? html`up to position <code>${shownPosition(readerOf(asked), BigInt(upTo))}</code>` : 'nothing'}, ${time(verified.data.occurredAt)}.`
      }</p>
${
  readings.length === 0
    ? html`<p>You have read nothing yet: ${link('the events', pathOf('events'))}.</p>`
    : html`<ul>${readings.slice(0, READINGS_SHOWN_MAX).map((each) => html`<li>${sayingOf(asked, each)}</li>`)}</ul>`
}`,
    }
  },
}

/** A seal is over the events of all: a reader of one tenant's is shown none. */
const sealCard: Card<AuditParts> = {
  ...{ title: 'Last seal', audience: ['auditor'] },
  async view(asked: Audit) {
    if (!seesEverything(auditorOf(asked))) return undefined
    const last = (await readSeals(asked.parts.log)).at(-1)
    if (!last) return { content: html`<p>The log has not been sealed.</p>` }
    const holds = isGenuine(last)
    return {
      content: html`<p>${time(last.occurredAt)}, up to position <code>${last.position}</code>, its signature
${state(holds ? 'holds' : 'broken')}. ${link('All seals', pathOf('seals'))}</p>`,
      isWrong: !holds,
    }
  },
}

export const auditCards: readonly Card<AuditParts>[] = [readingsCard, sealCard]
