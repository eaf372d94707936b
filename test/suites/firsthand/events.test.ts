import { firsthand } from '../../../src/contexts/firsthand.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  context: firsthand,
  examples: examplesOf('firsthand'),
  streamOf,
  personal: [
    'firsthand.UploadStored.v1 filename',
    'firsthand.WorkerRegistered.v1 email',
    'firsthand.WorkerRegistered.v1 name',
  ],
})
