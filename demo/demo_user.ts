// Who can sign in at the demo: for development alone.
import type { User } from './login_consent/users.js'

export const demoUser = {
  subject: 'f3b1c9f2-6f0e-4a57-9c55-2f4c1d9c7a10',
  email: 'demo@example.com',
  password: 'demo',
  claims: { name: 'Livia Demo', given_name: 'Livia', family_name: 'Demo', email_verified: true, locale: 'en' },
} as const satisfies User
