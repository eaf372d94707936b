import { describe, expect, it } from 'vitest'
import { accessLink } from '../../../src/commands/console/access-link.ts'
import { session } from '../../../src/commands/console/session.ts'
import { example } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(session)
const started = example('console.SessionStarted.v1')
const used = example('console.SessionUsed.v1')
const ended = example('console.SessionEnded.v1')
const { occurredAt: at, ...facts } = started.data

describe('a session with the console', () => {
  it('begins once: a second browser with the same link is refused', () => {
    given([]).when({ kind: 'start', facts, at }).then([started])
    given([started]).when({ kind: 'start', facts, at }).then(rejects('access_link_not_found'))
    given([started, ended]).when({ kind: 'start', facts, at }).then(rejects('access_link_not_found'))
  })

  it('notes its use now and again, and not after its end', () => {
    const use = { kind: 'use', gapMinMs: 60_000, at: used.data.occurredAt } as const
    given([started]).when(use).then([used])
    given([started, used]).when(use).then([])
    given([started])
      .when({ ...use, at: facts.expiresAt })
      .then([])
    given([started, ended]).when(use).then([])
    given([]).when(use).then([])
  })

  it('ends once, and says why', () => {
    const end = { kind: 'end', reason: 'signed_out', at: ended.data.occurredAt } as const
    given([started]).when(end).then([ended])
    given([started, ended]).when(end).then([])
  })
})

it('a link is issued once', () => {
  const issued = example('console.AccessLinkIssued.v1')
  const { occurredAt, ...of } = issued.data
  const links = specify(accessLink)
  links([]).when({ kind: 'issue', facts: of, at: occurredAt }).then([issued])
  links([issued]).when({ kind: 'issue', facts: of, at: occurredAt }).then(rejects('concurrent_change'))
  expect(accessLink.category).toBe('console.accessLink')
})
