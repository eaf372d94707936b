/** E-mail addresses by their ids: who has one, and the hash that a presented link is compared with. No address stands here. */
import { sql } from 'kysely'
import type { AddressEvent } from '../../events/rungate/address.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch } from '../projection.ts'
import { preparedOne } from './tables.ts'

export const addresses = defineTable({
  name: 'rungate_addresses',
  key: ['address_id'],
  columns: {
    address_id: uuid,
    member_id: uuid.orNull,
    /** Of the link that was sent last; null: none can be used. */
    token_hash: text.orNull,
  },
  indexes: ['(token_hash)', '(member_id)'],
  createsOnPatch: true,
})

const changed = (data: AddressEvent['data'], values: { token_hash?: string | null }): Change[] => [
  patch(addresses, snake(data, 'addressId'), { ...snake(data, 'memberId'), ...values }),
]

export const addressProjection = defineProjection<AddressEvent>({
  name: 'rungate.address',
  version: 1,
  onPoison: 'park',
  tables: [addresses],
  handlers: {
    'rungate.LoginRequested.v1': ({ data }) => changed(data, snake(data, 'tokenHash')),
    'rungate.LoginVerified.v1': ({ data }) => changed(data, { token_hash: null }),
    'rungate.AddressBound.v1': ({ data }) => changed(data, {}),
  },
})

export const findAddressByToken = preparedOne((db, tokenHash: string) =>
  db.selectFrom('rungate_addresses').selectAll().where('token_hash', '=', tokenHash),
)

/** The address that the person has, had, or was invited by; undefined: there is no such person. */
export async function findAddressIdOf(db: ReadModels, memberId: string): Promise<string | undefined> {
  const { rows } = await sql<{ address_id: string }>`
    SELECT address_id FROM rungate_members WHERE member_id = ${memberId}::uuid
    UNION SELECT address_id FROM rungate_addresses WHERE member_id = ${memberId}::uuid
    UNION SELECT address_id FROM rungate_invitations WHERE member_id = ${memberId}::uuid LIMIT 1`.execute(db)
  return rows[0]?.address_id
}
