/** Personal text that was sealed on the first day is bound to its event's type for ever. */
import { expect, it } from 'vitest'
import { KEY_BYTES, keyIdOf, openData } from '../../../src/events/sealing.ts'
import { registry } from '../../support/contexts.ts'

it('a sealed field of version 1, as it was first written, opens for ever', () => {
  const bytes = Buffer.alloc(KEY_BYTES, 9)
  const person = 'a345bb17-7cdd-5b33-94c3-aac2ccb71bed'
  const data = {
    globalUserId: person,
    email: 'sealed:v1:c198b4bf9c1dd64f:0lhqtmq-nmL3RMGTOGmkdnvFc46J7evDJj1y36vIGkEJVLsUGFw-AumrfA',
    displayName: 'sealed:v1:c198b4bf9c1dd64f:IdlfzNce_tfEK9YF4mbnylxVTd90FwKpHeZOkWZNhBiMorEpBwB3Fb2rD3tIug',
  }
  const event = { id: '0b0f5c1e-7f0e-5d0c-9d6e-5f6f70736c67', type: 'noctant.UserProfileRefreshed.v1', data }
  const keys = new Map([[person, { id: keyIdOf(bytes), bytes }]])
  const opened = openData(event, { registry, keys, reportMissing: () => expect.unreachable() })
  expect(opened).toStrictEqual({ globalUserId: person, email: 'ada@example.com', displayName: 'Ada Lovelace · Ω' })
})
