import { runService } from '@orderplane/shared/service.ts';
import { orderQuery } from './app.ts';
import { runRebuild } from './rebuild-command.ts';

if (process.argv[2] === 'rebuild') await runRebuild(process.env);
else await runService(orderQuery);
