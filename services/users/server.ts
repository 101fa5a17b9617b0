import { runService } from '@orderplane/shared/service.ts';
import { users } from './app.ts';

await runService(users);
