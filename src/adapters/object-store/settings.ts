/** Variables of the environment that say where objects lie: a bucket where S3_BUCKET names one, else DATA_DIR/objects. */
import { z } from 'zod'

const text = z.string().min(1).optional()

export const objectStoreSettings = z.object({
  S3_BUCKET: text.describe('bucket for files; unset: the directory objects in DATA_DIR'),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('address of an S3 service; unset: that of AWS'),
  S3_REGION: text.describe('region of the bucket; unset: AWS_REGION, else us-east-1'),
  S3_ACCESS_KEY_ID: text.describe('a long-term access key; unset: AWS_ACCESS_KEY_ID'),
  S3_SECRET_ACCESS_KEY: text.describe('its secret; unset: AWS_SECRET_ACCESS_KEY'),
  AWS_REGION: text.describe('used for the bucket where S3_REGION is unset'),
  AWS_ACCESS_KEY_ID: text.describe('used for the bucket where S3_ACCESS_KEY_ID is unset'),
  AWS_SECRET_ACCESS_KEY: text.describe('used for the bucket where S3_SECRET_ACCESS_KEY is unset'),
  AWS_SESSION_TOKEN: text.describe('of temporary keys, which are refused: links would end with them'),
})
export type ObjectStoreSettings = z.infer<typeof objectStoreSettings>
