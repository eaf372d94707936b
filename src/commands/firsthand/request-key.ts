/** Keys of firsthand's requests, of organizations and of workers. */
import type { RequestKeyEvent } from '../../events/firsthand/request-key.ts'
import { requestKeysOf } from '../request-key.ts'

export const requestKeyUse = requestKeysOf<RequestKeyEvent>('firsthand.requestKey', 'firsthand.RequestKeyUsed.v1')
