import { expect, test } from 'vitest'
import { ROLES, type Role } from '../../../src/config.ts'
import { filesApart } from '../../../src/processes/firsthand/objects.ts'

test.each<[readonly Role[], string | undefined]>([
  [ROLES, undefined],
  [['api', 'relay', 'scorer'], undefined],
  [['projector', 'webhooks', 'engine'], undefined],
  [['api', 'projector'], 'the roles relay and scorer run elsewhere'],
  [['scorer'], 'the roles api and relay run elsewhere'],
])('an instance with %j says who else has to reach its files', (roles, words) => {
  const said = filesApart({ ROLES: [...roles], DATA_DIR: '/data' })
  if (words === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(words)
  expect(said ?? 'S3_BUCKET').toContain('S3_BUCKET')
})
