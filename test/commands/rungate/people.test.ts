/** What may be done with addresses, rosters, sessions and mails. */
import { describe, it } from 'vitest'
import { address, holderOf } from '../../../src/commands/rungate/address.ts'
import { mail } from '../../../src/commands/rungate/mail.ts'
import { roster } from '../../../src/commands/rungate/roster.ts'
import { session } from '../../../src/commands/rungate/session.ts'
import type { AddressEvent } from '../../../src/events/rungate/address.ts'
import type { RosterEvent } from '../../../src/events/rungate/roster.ts'
import { example, timeAt, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const at = timeAt(900)
const author = { id: 'system', tokenId: null }

describe('an address', () => {
  const given = specify(address)
  const asked = example('rungate.LoginRequested.v1')
  const { addressId, memberId: _, ...login } = asked.data
  const memberId = holderOf(addressId, address.initialState)
  const requested = { ...asked, data: { ...asked.data, memberId } }
  const { loginId, tokenHash, codeHash, expiresAt } = requested.data
  const bound: AddressEvent = {
    type: 'rungate.AddressBound.v1',
    data: { ...example('rungate.AddressBound.v1').data, addressId, memberId },
  }
  const { accountId, email, displayName, joining } = bound.data
  const binding = { accountId, email, displayName, joining }
  const failed: AddressEvent = {
    type: 'rungate.LoginFailed.v1',
    data: { addressId, memberId, accountId: null, loginId, occurredAt: at },
  }
  const verified: AddressEvent = { ...failed, type: 'rungate.LoginVerified.v1' }

  it('is verified once, by the last link or its code, as long as they are good', () => {
    const verify = { kind: 'verify', addressId, tokenHash, at } as const
    given([requested]).when(verify).then([verified])
    given([requested]).when({ kind: 'verify', addressId, codeHash, at }).then([verified])
    given([requested, verified]).when(verify).then(rejects('login_refused'))
    given([requested])
      .when({ ...verify, at: expiresAt })
      .then(rejects('login_refused'))
    given([requested])
      .when({ ...verify, tokenHash: '00'.repeat(32) })
      .then(rejects('login_refused'))
    given([]).when(verify).then(rejects('login_refused'))
  })

  it('remembers wrong codes, the fifth of which ends the link too', () => {
    const wrong = { kind: 'verify', addressId, codeHash: '00'.repeat(32), at } as const
    given([requested]).when(wrong).then([failed])
    const five = [requested, failed, failed, failed, failed, failed]
    given(five.slice(0, -1)).when({ kind: 'verify', addressId, codeHash, at }).then([verified])
    given(five).when({ kind: 'verify', addressId, codeHash, at }).then(rejects('login_refused'))
    given(five).when({ kind: 'verify', addressId, tokenHash, at }).then(rejects('login_refused'))
  })

  it('asks anew under the same person, whether it has an account or not', () => {
    const again = { kind: 'requestLogin', ...login, addressId, loginId, at } as const
    const said = (of: string | null): AddressEvent[] => [
      { type: 'rungate.LoginRequested.v1', data: { ...requested.data, accountId: of, occurredAt: at } },
    ]
    given([]).when(again).then(said(null))
    given([requested, bound]).when(again).then(said(accountId))
  })

  it('belongs to one account', () => {
    const bind = { kind: 'bind', addressId, binding, at } as const
    given([])
      .when(bind)
      .then([{ ...bound, data: { ...bound.data, occurredAt: at } }])
    given([bound]).when(bind).then([])
    const elsewhere = { ...bind, binding: { ...binding, accountId: uuidOf('another account') } }
    given([bound]).when(elsewhere).then(rejects('address_elsewhere', '/email'))
  })

  it('is another person’s once it was let go, and the same one’s where its account did not take it', () => {
    const release = { kind: 'release', addressId, accountId, memberId, at } as const
    const released = (reason: 'undone' | 'removed'): AddressEvent => ({
      type: 'rungate.AddressReleased.v1',
      data: { addressId, accountId, memberId, reason, occurredAt: at },
    })
    given([bound])
      .when({ ...release, reason: 'removed' })
      .then([released('removed')])
    given([bound, released('removed')])
      .when({ ...release, reason: 'removed' })
      .then([])
    const next = holderOf(addressId, { ...address.initialState, holders: 1 })
    const bind = { kind: 'bind', addressId, binding, at } as const
    given([bound, released('removed')])
      .when(bind)
      .then([{ ...bound, data: { ...bound.data, memberId: next, occurredAt: at } }])
    given([bound, released('undone')])
      .when(bind)
      .then([{ ...bound, data: { ...bound.data, occurredAt: at } }])
  })

  it('forgets who has it, and who had it, once', () => {
    const forget = { kind: 'forget', addressId, memberId, reference: 'DSR-1', at } as const
    const forgotten = (of: string | null): AddressEvent => ({
      type: 'rungate.MemberForgotten.v1',
      data: { addressId, accountId: of, memberId, reference: 'DSR-1', occurredAt: at },
    })
    given([requested])
      .when(forget)
      .then([forgotten(null)])
    given([bound])
      .when(forget)
      .then([forgotten(accountId)])
    given([bound, forgotten(accountId)])
      .when(forget)
      .then([])
    given([])
      .when({ ...forget, memberId: uuidOf('nobody') })
      .then(rejects('member_not_found'))
  })
})

describe('a roster', () => {
  const given = specify(roster)
  const joined = example('rungate.MemberJoined.v1')
  const { accountId, memberId } = joined.data
  const invited = example('rungate.InvitationCreated.v1')
  const { invitationId, tokenHash, addressId, expiresAt } = invited.data
  const guest = {
    ...{ accountId, memberId: invited.data.memberId, addressId, email: 'grace@example.com', displayName: 'Grace' },
    ...{ role: 'member' as const, invitationId, invitedBy: memberId, occurredAt: at },
  }
  const accepted: RosterEvent = {
    type: 'rungate.InvitationAccepted.v1',
    data: { accountId, invitationId, memberId: guest.memberId, occurredAt: at },
  }
  const guestJoined: RosterEvent = { type: 'rungate.MemberJoined.v1', data: guest }

  it('has one owner', () => {
    const join = { kind: 'join', member: joined.data, tokenHash: null, at } as const
    given([])
      .when(join)
      .then([{ ...joined, data: { ...joined.data, occurredAt: at } }])
    given([joined]).when(join).then([])
    const other = { ...join, member: { ...joined.data, memberId: uuidOf('another') } }
    given([joined]).when(other).then(rejects('account_claimed'))
  })

  it('takes a member by an invitation once, with the token that was sent last', () => {
    const join = { kind: 'join', member: guest, tokenHash, at } as const
    given([joined, invited]).when(join).then([accepted, guestJoined])
    given([joined, invited, accepted, guestJoined]).when(join).then([])
    given([joined, invited])
      .when({ ...join, tokenHash: '00'.repeat(32) })
      .then(rejects('invitation_not_found'))
    given([joined, invited])
      .when({ ...join, at: expiresAt })
      .then(rejects('invitation_not_found'))
    const another = { ...join, member: { ...guest, memberId: uuidOf('another') } }
    given([joined, invited, accepted, guestJoined]).when(another).then(rejects('invitation_used'))
  })

  it('has one pending invitation of an address, and ends an expired one with the next', () => {
    const facts = { ...invited.data, invitationId: uuidOf('another invitation') }
    const invite = { kind: 'invite', facts, at } as const
    const created: RosterEvent = { type: 'rungate.InvitationCreated.v1', data: facts }
    given([]).when(invite).then([created])
    given([invited]).when(invite).then(rejects('invitation_pending', '/email'))
    given([invited, accepted, guestJoined]).when(invite).then(rejects('member_exists', '/email'))
    const expired: RosterEvent = {
      type: 'rungate.InvitationExpired.v1',
      data: { accountId, invitationId, occurredAt: expiresAt },
    }
    given([invited])
      .when({ ...invite, at: expiresAt })
      .then([expired, created])
    given([invited]).when({ kind: 'expire', accountId, invitationId, at: expiresAt }).then([expired])
    given([invited]).when({ kind: 'expire', accountId, invitationId, at }).then([])
    given([invited, expired]).when({ kind: 'expire', accountId, invitationId, at: expiresAt }).then([])
  })

  it('revokes and resends what is pending alone', () => {
    const revoke = { kind: 'revoke', accountId, invitationId, author, at } as const
    const revoked: RosterEvent = {
      type: 'rungate.InvitationRevoked.v1',
      data: { accountId, invitationId, author, occurredAt: at },
    }
    given([invited]).when(revoke).then([revoked])
    given([invited, revoked]).when(revoke).then(rejects('invitation_not_pending'))
    given([]).when(revoke).then(rejects('invitation_not_found'))
    const anew = { tokenHash: 'ee'.repeat(32), expiresAt: timeAt(99_000) }
    given([invited])
      .when({ ...revoke, kind: 'resend', ...anew })
      .then([{ type: 'rungate.InvitationResent.v1', data: { ...revoked.data, ...anew } }])
  })

  it('keeps its owner’s role, and lets others have another', () => {
    const change = { kind: 'change', accountId, author, at } as const
    given([joined])
      .when({ ...change, memberId, role: 'admin' })
      .then(rejects('owner_role_fixed', '/role'))
    given([joined])
      .when({ ...change, memberId: guest.memberId })
      .then(rejects('member_not_found'))
    const of = { accountId, memberId: guest.memberId, author, occurredAt: at }
    given([joined, guestJoined])
      .when({ ...change, memberId: guest.memberId, role: 'viewer', displayName: 'Hopper' })
      .then([
        { type: 'rungate.MemberRoleChanged.v1', data: { ...of, role: 'viewer' } },
        { type: 'rungate.MemberRenamed.v1', data: { ...of, displayName: 'Hopper' } },
      ])
    given([joined, guestJoined])
      .when({ ...change, memberId: guest.memberId, role: 'member' })
      .then([])
  })

  it('is left by members, and by an owner only where it is forgotten', () => {
    const remove = { kind: 'remove', accountId, memberId, heirId: null, author, at } as const
    given([joined]).when(remove).then(rejects('owner_stays'))
    const data = { accountId, memberId, addressId: joined.data.addressId, heirId: null, author, occurredAt: at }
    const removed: RosterEvent = { type: 'rungate.MemberRemoved.v1', data }
    given([joined])
      .when({ ...remove, isForgotten: true })
      .then([removed])
    given([joined, removed]).when(remove).then(rejects('member_not_found'))
  })

  it('is given away by its owner, to another member', () => {
    const transfer = { kind: 'transfer', accountId, fromId: memberId, toId: guest.memberId, author, at } as const
    const data = { accountId, fromId: memberId, toId: guest.memberId, author, occurredAt: at }
    given([joined, guestJoined])
      .when(transfer)
      .then([{ type: 'rungate.OwnershipTransferred.v1', data }])
    given([joined, guestJoined])
      .when({ ...transfer, fromId: '' })
      .then(rejects('owner_only'))
    given([joined])
      .when({ ...transfer, toId: memberId })
      .then(rejects('already_owner', '/id'))
    given([joined]).when(transfer).then(rejects('member_not_found'))
    given([])
      .when({ ...transfer, fromId: '' })
      .then(rejects('owner_only'))
  })
})

describe('a session', () => {
  const given = specify(session)
  const started = example('rungate.SessionStarted.v1')
  const { sessionId, memberId, accountId, expiresAt, occurredAt } = started.data
  const of = { sessionId, memberId, accountId }

  it('is prolonged now and again, and not once it is over', () => {
    const see = { kind: 'see', expiresAt: timeAt(99_000), gapMinMs: 1_000, at } as const
    const seen = { type: 'rungate.SessionSeen.v1' as const, data: { ...of, expiresAt: see.expiresAt, occurredAt: at } }
    given([started]).when(see).then([seen])
    given([started])
      .when({ ...see, at: occurredAt })
      .then([])
    given([started])
      .when({ ...see, at: expiresAt })
      .then([])
  })

  it('ends once, and by its time not before that', () => {
    const end = { kind: 'end', reason: 'logout', author, at } as const
    const ended = {
      type: 'rungate.SessionEnded.v1' as const,
      data: { ...of, reason: end.reason, author, occurredAt: at },
    }
    given([started]).when(end).then([ended])
    given([started, ended]).when(end).then([])
    given([started])
      .when({ ...end, reason: 'expired' })
      .then([])
    given([]).when(end).then([])
  })
})

describe('a mail', () => {
  const given = specify(mail)
  const requested = example('rungate.MailRequested.v1')
  const { accountId, memberId, occurredAt: _, ...rest } = requested.data
  const { mailId } = rest
  const facts = { ...rest, tenantId: accountId, personId: memberId }
  const of = { mailId, accountId, occurredAt: at }
  const failed = (nextAttemptAt: string | null) => ({
    type: 'rungate.MailFailed.v1' as const,
    data: { ...of, attempt: 1, reason: 'ECONNECTION', nextAttemptAt },
  })
  const sent = { type: 'rungate.MailSent.v1' as const, data: { ...of, attempt: 2, via: 'smtp' as const } }

  it('is asked for once, tried again after a failure, and nothing follows its end', () => {
    given([])
      .when({ kind: 'request', facts, at })
      .then([{ ...requested, data: { ...requested.data, occurredAt: at } }])
    given([requested]).when({ kind: 'request', facts, at }).then([])
    const failing = { kind: 'failed', attempt: 1, reason: 'ECONNECTION', nextAttemptAt: timeAt(910), at } as const
    given([requested])
      .when(failing)
      .then([failed(timeAt(910))])
    const sending = { kind: 'sent', attempt: 2, via: 'smtp', at } as const
    given([requested, failed(timeAt(910))])
      .when(sending)
      .then([sent])
    given([requested, failed(null)])
      .when(sending)
      .then([])
    given([requested, sent]).when(failing).then([])
    given([]).when(sending).then([])
  })
})
