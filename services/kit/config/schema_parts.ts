// The words that the schema of the configuration is written with: JSON Schema with a default and a description for every key.
/** A JSON Schema of an object or of one value. */
export interface Schema {
  readonly type: string
  readonly description: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly [keyword: string]: unknown
}

export const object = (description: string, properties: Record<string, Schema>): Schema => ({
  type: 'object',
  description,
  properties,
  additionalProperties: false,
  default: {},
})

export const text = (description: string, fallback = '', more: object = {}): Schema => ({
  type: 'string',
  description,
  default: fallback,
  ...more,
})

export const flag = (description: string, fallback = false): Schema => ({
  type: 'boolean',
  description,
  default: fallback,
})

export const whole = (description: string, fallback: number, more: object = {}): Schema => ({
  type: 'integer',
  description,
  default: fallback,
  minimum: 0,
  ...more,
})

export const list = (description: string, fallback: readonly string[] = [], items: object = {}): Schema => ({
  type: 'array',
  description,
  default: fallback,
  items: { type: 'string', minLength: 1, ...items },
})

export const oneOf = (description: string, fallback: string, values: readonly string[]): Schema =>
  text(description, fallback, { enum: values })

export const duration = (description: string, fallback: string, more: object = {}): Schema =>
  text(description, fallback, { format: 'duration', ...more })

export const lifespan = (description: string, fallback: string): Schema =>
  duration(description, fallback, { durationMinimum: 1 })

/** A lifespan, or `-1` for "never". */
export const endless = (description: string, fallback: string): Schema =>
  text(`${description} \`-1\`: never.`, fallback, { format: 'duration-or-never', durationMinimum: 1 })

export const url = (description: string): Schema => text(description, '', { format: 'web-url' })
/** A text that must never be shown; it can come from a file that `<variable>_FILE` names. */
export const secret = (description: string, more: object = {}): Schema =>
  text(description, '', { secret: true, ...more })

export const secretList = (description: string, items: object): Schema => ({
  ...list(description, [], items),
  secret: true,
})
