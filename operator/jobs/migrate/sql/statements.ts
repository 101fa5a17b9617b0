/**
 * The kinds of statements of Postgres 18, by the parser's names. Those that no rule is about destroy, rewrite and lock nothing that
 * anybody would miss; one that is not here is from a later Postgres, and nothing is known of it.
 */
export const KNOWN_STATEMENTS: ReadonlySet<string> = new Set(
  `AlterDefaultPrivilegesStmt AlterDomainStmt AlterEnumStmt AlterObjectSchemaStmt AlterOwnerStmt AlterRoleSetStmt AlterRoleStmt AlterSystemStmt
   AlterTableStmt CallStmt ClusterStmt CopyStmt CreateRoleStmt DeleteStmt DoStmt DropOwnedStmt DropRoleStmt DropStmt ExecuteStmt ExplainStmt
   GrantRoleStmt GrantStmt IndexStmt LoadStmt LockStmt MergeStmt PrepareStmt ReassignOwnedStmt RefreshMatViewStmt ReindexStmt RenameStmt
   TruncateStmt UpdateStmt VacuumStmt VariableSetStmt
   AlterCollationStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterDatabaseStmt AlterEventTrigStmt AlterExtensionContentsStmt
   AlterExtensionStmt AlterFdwStmt AlterForeignServerStmt AlterFunctionStmt AlterObjectDependsStmt AlterOpFamilyStmt AlterOperatorStmt
   AlterPolicyStmt AlterPublicationStmt AlterSeqStmt AlterStatsStmt AlterSubscriptionStmt AlterTSConfigurationStmt AlterTSDictionaryStmt
   AlterTableMoveAllStmt AlterTableSpaceOptionsStmt AlterTypeStmt AlterUserMappingStmt CheckPointStmt ClosePortalStmt CommentStmt
   CompositeTypeStmt ConstraintsSetStmt CreateAmStmt CreateCastStmt CreateConversionStmt CreateDomainStmt CreateEnumStmt CreateEventTrigStmt
   CreateExtensionStmt CreateFdwStmt CreateForeignServerStmt CreateForeignTableStmt CreateFunctionStmt CreateOpClassStmt CreateOpFamilyStmt
   CreatePLangStmt CreatePolicyStmt CreatePublicationStmt CreateRangeStmt CreateSchemaStmt CreateSeqStmt CreateStatsStmt CreateStmt
   CreateSubscriptionStmt CreateTableAsStmt CreateTransformStmt CreateTrigStmt CreateUserMappingStmt CreatedbStmt CreateTableSpaceStmt
   DeallocateStmt DeclareCursorStmt DefineStmt DiscardStmt DropSubscriptionStmt DropTableSpaceStmt DropUserMappingStmt DropdbStmt FetchStmt
   ImportForeignSchemaStmt InsertStmt ListenStmt NotifyStmt RuleStmt SecLabelStmt SelectStmt TransactionStmt UnlistenStmt VariableShowStmt
   ViewStmt`
    .split(/\s+/)
    .filter((word) => word.endsWith('Stmt')),
);
